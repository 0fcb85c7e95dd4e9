import { decodeIp, type meta, type net } from '#api/mesh';
import { Cidr } from '../cidr.ts';
import { defaultMeta, type Meta } from '../types.ts';

/** A message that cannot be used as a whole; the text goes to the log and, shortened, to clients. */
export class Invalid extends Error {}

/** The value, or Invalid. */
export function need<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Invalid(`${what} is missing`);
  return value;
}

/** `Duration` as on the wire. */
export interface WireDuration {
  readonly seconds: bigint;
  readonly nanos: number;
}

/** `Duration` in milliseconds; it is never negative. */
export function durationMs({ seconds, nanos }: WireDuration, what = 'a duration'): number {
  const ms = Number(seconds) * 1000 + nanos / 1e6;
  if (ms < 0) throw new Invalid(`${what} is negative`);
  return ms;
}

/** The same where nothing and no time both mean that there is no bound. */
export function boundMs(duration: WireDuration | undefined, what: string): number | undefined {
  return duration && (durationMs(duration, what) || undefined);
}

/** A whole number within bounds, both included. */
export function within(value: number, min: number, max: number, what: string): number {
  if (!(value >= min && value <= max)) throw new Invalid(`${what} must be from ${min} to ${max}, but is ${value}`);
  return value;
}

/** Part of all, 0 to 1; absent: all. */
export function decodeRatio(ratio: { numerator: number; denominator: number } | undefined): number {
  if (!ratio) return 1;
  if (ratio.denominator === 0) throw new Invalid('a ratio with denominator 0');
  if (ratio.numerator > ratio.denominator) throw new Invalid('a ratio above 1');
  return ratio.numerator / ratio.denominator;
}

export function decodeMeta(metadata: meta.Metadata | undefined, what: string, needsNamespace = true): Meta {
  const { kind } = need(metadata, `metadata of ${what}`);
  if (kind.case === 'default') return defaultMeta(kind.value);
  const { group, kind: type, name, namespace, section, port } = need(kind.value, `metadata of ${what}`);
  if (group === '' || type === '' || name === '' || (needsNamespace && namespace === ''))
    throw new Invalid(`metadata of ${what} must have group, kind, name${needsNamespace ? ' and namespace' : ''}`);
  return { group, kind: type, name, namespace, section, port };
}

export function decodeNetwork(network: net.IPNetwork | undefined): Cidr {
  const ip = need(decodeIp(network?.ip), 'address of a network');
  return need(Cidr.of({ ip, prefix: network?.prefixLen ?? 0 }), 'address of a network');
}
