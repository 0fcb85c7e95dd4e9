/** Times and durations in the forms in which Go prints them. */

const RFC3339 = /^(\d{4}-\d{2}-\d{2})[Tt](\d{2}:\d{2}:\d{2})(?:[.,](\d+))?([Zz]|[+-]\d{2}:\d{2})$/;
const MICRO_DIGITS = 6;

/** Any RFC 3339 time -> UTC with seconds, `2026-11-21T10:00:05Z`; undefined for what is none. */
export function canonicalTime(text: string): string | undefined {
  const parsed = parse(text);
  return parsed && `${parsed.seconds}Z`;
}

/** Any RFC 3339 time -> UTC with exactly six decimals: Go's MicroTime parser refuses any other number of them. */
export function canonicalMicroTime(text: string): string | undefined {
  const parsed = parse(text);
  return parsed && `${parsed.seconds}.${parsed.fraction.padEnd(MICRO_DIGITS, '0').slice(0, MICRO_DIGITS)}Z`;
}

function parse(text: string): { seconds: string; fraction: string } | undefined {
  const match = RFC3339.exec(text);
  if (!match) return undefined;
  const [, date = '', clock = '', fraction = '', zone = ''] = match;
  const ms = Date.parse(`${date}T${clock}${zone.toUpperCase()}`);
  return Number.isNaN(ms) ? undefined : { seconds: new Date(ms).toISOString().slice(0, 19), fraction };
}

/** `1970-01-01T00:00:00Z` form of a protobuf Timestamp; `micro` adds six decimals. */
export function timeOf(seconds: number, nanos: number, micro: boolean): string {
  const whole = new Date(seconds * 1000).toISOString().slice(0, 19);
  return micro ? `${whole}.${String(Math.floor(nanos / 1000)).padStart(MICRO_DIGITS, '0')}Z` : `${whole}Z`;
}

const UNITS_NS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};
const DURATION = /^[+-]?(?:0|(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)$/;

/** Go duration text -> nanoseconds; undefined for what is none. */
export function parseDuration(text: string): bigint | undefined {
  if (!DURATION.test(text)) return undefined;
  let total = 0n;
  for (const [, number = '', unit = ''] of text.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g)) {
    const [whole = '', fraction = ''] = number.split('.');
    const scale = UNITS_NS[unit] ?? 0n;
    total += BigInt(whole || '0') * scale + (BigInt(fraction || '0') * scale) / 10n ** BigInt(fraction.length);
  }
  return text.startsWith('-') ? -total : total;
}

/** Nanoseconds as Go prints a duration: `1h2m0s`, `1.5s`, `200ms`, `0s`. */
export function durationText(ns: bigint): string {
  if (ns === 0n) return '0s';
  const sign = ns < 0n ? '-' : '';
  const value = ns < 0n ? -ns : ns;
  for (const [unit, scale] of [
    ['ns', 1n],
    ['µs', 1_000n],
    ['ms', 1_000_000n],
  ] as const)
    if (value < scale * 1000n) return `${sign}${decimal(value, scale)}${unit}`;
  const seconds = value / 1_000_000_000n;
  const hours = seconds / 3600n;
  const minutes = (seconds / 60n) % 60n;
  const rest = decimal(value % 60_000_000_000n, 1_000_000_000n);
  const parts = hours > 0n ? `${hours}h${minutes}m` : minutes > 0n ? `${minutes}m` : '';
  return `${sign}${parts}${rest}s`;
}

function decimal(value: bigint, scale: bigint): string {
  const fraction = String(value % scale)
    .padStart(String(scale).length - 1, '0')
    .replace(/0+$/, '');
  return scale > 1n && fraction ? `${value / scale}.${fraction}` : `${value / scale}`;
}
