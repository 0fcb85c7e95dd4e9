import { type AccessLogFormat, parseAccessLogFormat } from '../access-log/index.ts';

/** A value or why the text is none; the reason ends a sentence that begins with the variable's name. */
export type Parsed<T> = { value: T } | { error: string };

/** Where to listen or connect. IPv6 hosts are without brackets. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** A network in CIDR notation, e.g. `{ip: '10.0.0.0', prefix: 8}`. */
export interface Network {
  readonly ip: string;
  readonly prefix: number;
}

const ok = <T>(value: T): Parsed<T> => ({ value });
const bad = (expected: string, seen: string): { error: string } => ({
  error: `must be ${expected}, but is ${JSON.stringify(seen.length > 80 ? `${seen.slice(0, 80)}…` : seen)}`,
});

const UNIT_MS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `10s`, `500ms`, `2m`, `1h`, `1d`, or a bare `0`. In milliseconds. */
function duration(text: string): Parsed<number> {
  const match = /^\s*(\d+)(ms|s|m|h|d)?\s*$/.exec(text);
  if (!match) return bad('a duration such as 500ms, 10s, 2m, 1h or 1d', text);
  const count = Number(match[1]);
  if (match[2] === undefined) return count === 0 ? ok(0) : bad('a duration with a unit (ms, s, m, h, d)', text);
  return ok(count * (UNIT_MS[match[2]] ?? 1));
}

function bool(text: string): Parsed<boolean> {
  if (text === 'true' || text === 'false') return ok(text === 'true');
  return bad('true or false', text);
}

function count(text: string): Parsed<number> {
  const value = Number(text);
  return /^\d{1,15}$/.test(text.trim()) ? ok(value) : bad('a whole number', text);
}

/** A number of octets as flow control counts them (RFC 9113 section 6.9.1). */
function window(text: string): Parsed<number> {
  return within(text, 1, 2 ** 31 - 1);
}

/** RFC 9113 section 4.2. */
function frameSize(text: string): Parsed<number> {
  return within(text, 16_384, 2 ** 24 - 1);
}

function within(text: string, min: number, max: number): Parsed<number> {
  const value = Number(text);
  const fits = /^\d{1,15}$/.test(text.trim()) && value >= min && value <= max;
  return fits ? ok(value) : bad(`a whole number from ${min} to ${max}`, text);
}

function ratio(text: string): Parsed<number> {
  const value = Number(text);
  return text.trim() !== '' && Number.isFinite(value) && value >= 0 ? ok(value) : bad('a number of at least 0', text);
}

/** Two rising numbers, `0.8,2`; undefined: `off`. */
function band(text: string): Parsed<{ low: number; high: number } | undefined> {
  if (text.trim() === 'off') return ok(undefined);
  const [low = Number.NaN, high = Number.NaN, ...more] = text.split(',').map(Number);
  return low > 0 && high > low && high < Number.POSITIVE_INFINITY && more.length === 0
    ? ok({ low, high })
    : bad('two rising numbers such as 0.8,2, or off', text);
}

function hostPort(text: string): Parsed<HostPort> {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text.trim());
  const port = Number(match?.[3]);
  const host = match?.[1] ?? match?.[2];
  if (host === undefined || port > 65_535) return bad('an address such as 127.0.0.1:4140 or [::1]:4140', text);
  return ok({ host, port });
}

function list<T>(text: string, item: (text: string) => Parsed<T>): Parsed<T[]> {
  const values: T[] = [];
  for (const part of text.split(',')) {
    if (part.trim() === '') continue;
    const parsed = item(part.trim());
    if ('error' in parsed) return parsed;
    values.push(parsed.value);
  }
  return ok(values);
}

function port(text: string): Parsed<number> {
  const value = Number(text);
  return /^\d{1,5}$/.test(text) && value >= 1 && value <= 65_535 ? ok(value) : bad('a port from 1 to 65535', text);
}

/** Single ports and ranges, `25,3000-3010`. */
function ports(text: string): Parsed<number[]> {
  const values: number[] = [];
  for (const part of text.split(',')) {
    if (part.trim() === '') continue;
    const [low = '', high = low] = part.trim().split('-');
    const from = port(low);
    const to = port(high);
    if ('error' in from) return from;
    if ('error' in to) return to;
    if (to.value < from.value) return bad('a list of ports and ranges', text);
    for (let value = from.value; value <= to.value; value++) values.push(value);
  }
  return ok(values);
}

const IPV4 = /^(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(\.(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)){3}$/;
const IPV6 = /^[0-9a-f:]*:[0-9a-f:]*(\d+\.\d+\.\d+\.\d+)?$/i;

function ip(text: string): Parsed<string> {
  return IPV4.test(text) || IPV6.test(text) ? ok(text) : bad('a list of IP addresses', text);
}

function network(text: string): Parsed<Network> {
  const [address = '', prefix] = text.split('/');
  const max = IPV4.test(address) ? 32 : 128;
  if ('error' in ip(address)) return bad('a list of networks such as 10.0.0.0/8', text);
  if (prefix === undefined) return ok({ ip: address, prefix: max });
  if (!/^\d{1,3}$/.test(prefix) || Number(prefix) > max) return bad('a list of networks such as 10.0.0.0/8', text);
  return ok({ ip: address, prefix: Number(prefix) });
}

/** A DNS name or the end of one, without its trailing dot; `.` alone matches every name and becomes ''. */
function suffix(text: string): Parsed<string> {
  return ok(text.toLowerCase().replace(/\.$/, ''));
}

/** `<service account>.<namespace>`, or an identity. */
function identity(text: string): Parsed<string> {
  return /^[a-z0-9:/_.-]+\.[a-z0-9:/_.-]+$/i.test(text) || text.includes('://')
    ? ok(text)
    : bad('a list of service accounts such as linkerd-gateway.linkerd-multicluster', text);
}

const POLICIES = [
  'deny',
  'all-authenticated',
  'all-unauthenticated',
  'cluster-authenticated',
  'cluster-unauthenticated',
  'audit',
] as const;
export type DefaultPolicy = (typeof POLICIES)[number];

function policy(text: string): Parsed<DefaultPolicy> {
  const found = POLICIES.find((name) => name === text);
  return found ? ok(found) : bad(`one of ${POLICIES.join(', ')}`, text);
}

function logFormat(text: string): Parsed<'plain' | 'json'> {
  const value = text.trim().toLowerCase();
  return value === 'json' || value === 'plain' ? ok(value) : bad('plain or json', text);
}

function accessLog(text: string): Parsed<AccessLogFormat> {
  return parseAccessLogFormat(text.trim());
}

/** How the text of a variable is read, by the name used in the table. */
export const READERS = {
  text: (text: string): Parsed<string> => ok(text),
  duration,
  bool,
  count,
  band,
  window,
  frameSize,
  ratio,
  address: hostPort,
  addresses: (text: string): Parsed<HostPort[]> => list(text, hostPort),
  ports,
  ips: (text: string): Parsed<string[]> => list(text, ip),
  networks: (text: string): Parsed<Network[]> => list(text, network),
  suffixes: (text: string): Parsed<string[]> => list(text, suffix),
  identities: (text: string): Parsed<string[]> => list(text, identity),
  policy,
  logFormat,
  accessLog,
} as const;
