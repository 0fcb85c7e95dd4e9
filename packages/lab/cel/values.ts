/**
 * JSON <-> CEL. In CEL an integer is a bigint, a double a number, lists and maps are the library's. Optionals are lists of at
 * most one item, and Kubernetes' own types (ip, url, quantity…) are maps with a `$type`: both are enough for every function
 * that Kubernetes defines on them, and compare by value.
 */
import {
  type CelInput,
  type CelList,
  type CelMap,
  type CelValue,
  celList,
  celMap,
  isCelList,
  isCelMap,
} from '@bufbuild/cel';
import { create, isMessage } from '@bufbuild/protobuf';
import { isReflectMessage } from '@bufbuild/protobuf/reflect';
import {
  type Duration,
  DurationSchema,
  type Timestamp,
  TimestampSchema,
  timestampFromMs,
  timestampMs,
} from '@bufbuild/protobuf/wkt';

/** Untyped JSON as CEL sees it: integral numbers are ints, others doubles. */
export function jsonToCel(value: unknown): CelInput {
  if (value === undefined || value === null) return null;
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return celList(value.map(jsonToCel));
  if (typeof value === 'object')
    return celMap(new Map(Object.entries(value).map(([key, item]) => [key, jsonToCel(item)])));
  return value as string | boolean | bigint;
}

/** A CEL result as plain JSON data: ints within 2^53 are numbers, timestamps and durations their text. */
export function celToJson(value: CelValue): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  if (isCelList(value)) return [...value].map(celToJson);
  if (isCelMap(value)) return Object.fromEntries([...value].map(([key, item]) => [String(key), celToJson(item)]));
  if (isReflectMessage(value)) {
    if (isMessage(value.message, TimestampSchema))
      return new Date(timestampMs(value.message as Timestamp)).toISOString();
    if (isMessage(value.message, DurationSchema)) return `${Number(durationNanos(value.message as Duration)) / 1e9}s`;
  }
  return value;
}

/** RFC 3339 text, or a bare date, as a CEL timestamp; undefined where it is neither. */
export function timestampOf(text: string): Timestamp | undefined {
  const ms = Date.parse(text);
  if (Number.isNaN(ms) || !/^\d{4}-\d\d-\d\d/.test(text)) return undefined;
  const timestamp = timestampFromMs(ms);
  const fraction = /\.(\d{1,9})/.exec(text)?.[1];
  return fraction ? create(TimestampSchema, { ...timestamp, nanos: Number(fraction.padEnd(9, '0')) }) : timestamp;
}

const UNIT_NANOS: Record<string, bigint> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
  d: 86_400_000_000_000n,
  w: 604_800_000_000_000n,
};
const DURATION = /^([+-]?)((?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h|d|w))+|0)$/;

/** Go's duration text (`1h30m`, also `d` and `w` as format `duration` allows) as a CEL duration; undefined where malformed. */
export function durationOf(text: string): Duration | undefined {
  const match = DURATION.exec(text.trim());
  if (!match) return undefined;
  let nanos = 0n;
  for (const [, count = '0', unit = ''] of (match[2] ?? '').matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h|d|w)/g)) {
    const [whole = '0', fraction = ''] = count.split('.');
    const scale = UNIT_NANOS[unit] ?? 0n;
    nanos += BigInt(whole) * scale + (fraction ? (BigInt(fraction) * scale) / 10n ** BigInt(fraction.length) : 0n);
  }
  if (match[1] === '-') nanos = -nanos;
  return create(DurationSchema, { seconds: nanos / 1_000_000_000n, nanos: Number(nanos % 1_000_000_000n) });
}

function durationNanos(duration: Duration): bigint {
  return duration.seconds * 1_000_000_000n + BigInt(duration.nanos);
}

/** An optional without a value. */
export const NONE: CelList = celList([]);

/** An optional with a value. */
export function some(value: CelInput): CelList {
  return celList([value]);
}

/** A value of a Kubernetes type, e.g. `opaque('net.IP', {address: '10.0.0.1'})`. */
export function opaque(type: string, fields: Record<string, CelInput>): CelMap {
  return celMap(new Map<string, CelInput>([['$type', type], ...Object.entries(fields)]));
}

/** The field of an opaque value; throws where it is of another type, as a missing overload would. */
export function fieldOf(value: CelMap, type: string, field: string): CelValue {
  if (value.get('$type') !== type) throw new Error('no such overload');
  return value.get(field) ?? null;
}
