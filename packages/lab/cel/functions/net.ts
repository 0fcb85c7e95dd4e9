/** Kubernetes' ip, cidr and url functions. */
import {
  type CelMap,
  CelScalar,
  celError,
  celFunc,
  celList,
  celMap,
  celMethod,
  listType,
  mapType,
} from '@bufbuild/cel';
import { fieldOf, opaque } from '../values.ts';

const { STRING, BOOL, INT, DYN } = CelScalar;
const MAP = mapType(STRING, DYN);

interface Address {
  family: 4 | 6;
  /** The address as one number of 32 or 128 bits. */
  bits: bigint;
}

function parseIpv4(text: string): bigint | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  let bits = 0n;
  for (const part of parts) {
    // A leading zero could mean octal: Go refuses it.
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
    bits = (bits << 8n) | BigInt(part);
  }
  return bits;
}

function parseIpv6(text: string): bigint | undefined {
  const halves = text.split('::');
  if (halves.length > 2 || text.includes('%')) return undefined;
  const groupsOf = (half: string | undefined) => (half ? half.split(':') : []);
  const head = groupsOf(halves[0]);
  const tail = groupsOf(halves[1]);
  if (head.length + tail.length > 7 + (halves.length === 1 ? 1 : 0)) return undefined;
  if (halves.length === 1 && head.length !== 8) return undefined;
  const groups = [...head, ...Array<string>(8 - head.length - tail.length).fill('0'), ...tail];
  if (!groups.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return undefined;
  return groups.reduce((bits, group) => (bits << 16n) | BigInt(`0x${group}`), 0n);
}

/** IPv4-mapped IPv6 is refused, as Kubernetes does. */
function parseIp(text: string): Address | undefined {
  const v4 = parseIpv4(text);
  if (v4 !== undefined) return { family: 4, bits: v4 };
  const v6 = text.includes(':') && !text.includes('.') ? parseIpv6(text) : undefined;
  return v6 === undefined ? undefined : { family: 6, bits: v6 };
}

/** RFC 5952 for IPv6. */
function printIp({ family, bits }: Address): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => (bits >> shift) & 255n).join('.');
  const groups = Array.from({ length: 8 }, (_, i) => ((bits >> BigInt(112 - 16 * i)) & 0xffffn).toString(16));
  const runs = [...groups.join(':').matchAll(/(?<![0-9a-f])0(?::0)+(?![0-9a-f])/g)];
  const longest = runs.reduce<RegExpMatchArray | undefined>(
    (best, run) => (run[0].length > (best?.[0].length ?? 0) ? run : best),
    undefined,
  );
  const text = groups.join(':');
  if (!longest) return text;
  const before = text.slice(0, longest.index).replace(/:$/, '');
  const after = text.slice((longest.index ?? 0) + longest[0].length).replace(/^:/, '');
  return `${before}::${after}`;
}

const ipValue = (address: Address) =>
  opaque('net.IP', { family: BigInt(address.family), bits: address.bits, text: printIp(address) });

function addressOf(value: CelMap): Address {
  return {
    family: Number(fieldOf(value, 'net.IP', 'family')) as 4 | 6,
    bits: fieldOf(value, 'net.IP', 'bits') as bigint,
  };
}

interface Cidr extends Address {
  prefix: number;
}

const widthOf = (family: 4 | 6) => (family === 4 ? 32 : 128);
const maskOf = ({ family, prefix }: Cidr) => {
  const width = widthOf(family);
  return ((1n << BigInt(width)) - 1n) ^ ((1n << BigInt(width - prefix)) - 1n);
};

function parseCidr(text: string): Cidr | undefined {
  const [ip = '', length = '', rest] = text.split('/');
  const address = parseIp(ip);
  if (!address || rest !== undefined || !/^(0|[1-9]\d{0,2})$/.test(length)) return undefined;
  const prefix = Number(length);
  return prefix <= widthOf(address.family) ? { ...address, prefix } : undefined;
}

const cidrValue = (cidr: Cidr) =>
  opaque('net.CIDR', { family: BigInt(cidr.family), bits: cidr.bits, prefix: BigInt(cidr.prefix) });

function cidrOf(value: CelMap): Cidr {
  return {
    family: Number(fieldOf(value, 'net.CIDR', 'family')) as 4 | 6,
    bits: fieldOf(value, 'net.CIDR', 'bits') as bigint,
    prefix: Number(fieldOf(value, 'net.CIDR', 'prefix')),
  };
}

function requireIp(text: string): Address {
  const address = parseIp(text);
  if (!address) throw celError(`IP Address '${text}' parse error during conversion from string`);
  return address;
}

function requireCidr(text: string): Cidr {
  const cidr = parseCidr(text);
  if (!cidr) throw celError(`network address parse error during conversion from string: ${text}`);
  return cidr;
}

const inCidr = (cidr: Cidr, address: Address) =>
  cidr.family === address.family && (address.bits & maskOf(cidr)) === (cidr.bits & maskOf(cidr));

const between = (address: Address, ranges: Record<4 | 6, string>) =>
  inCidr(requireCidr(ranges[address.family]), address);

/** Tests on one address, by the ranges of the RFCs. */
const IP_TESTS: Record<string, (address: Address) => boolean> = {
  isUnspecified: ({ bits }) => bits === 0n,
  isLoopback: (ip) => between(ip, { 4: '127.0.0.0/8', 6: '::1/128' }),
  isLinkLocalMulticast: (ip) => between(ip, { 4: '224.0.0.0/24', 6: 'ff02::/16' }),
  isLinkLocalUnicast: (ip) => between(ip, { 4: '169.254.0.0/16', 6: 'fe80::/10' }),
  isGlobalUnicast: (ip) =>
    ip.bits !== 0n &&
    !(ip.family === 4 && ip.bits === 0xffffffffn) &&
    !between(ip, { 4: '127.0.0.0/8', 6: '::1/128' }) &&
    !between(ip, { 4: '224.0.0.0/4', 6: 'ff00::/8' }) &&
    !between(ip, { 4: '169.254.0.0/16', 6: 'fe80::/10' }),
};

function parseUrl(text: string): URL | undefined {
  // Go wants an absolute URI or an absolute path.
  if (/[\s<>"]/.test(text)) return undefined;
  if (text.startsWith('/')) return URL.parse(text, 'relative://host') ?? undefined;
  return /^[a-zA-Z][a-zA-Z0-9+.-]*:/.test(text) ? (URL.parse(text) ?? undefined) : undefined;
}

function urlValue(text: string): CelMap {
  const url = parseUrl(text);
  if (!url) throw celError(`URL parse error during conversion from string: ${text}`);
  const relative = text.startsWith('/');
  // URL drops the default port of a scheme; Go keeps what was written.
  const authority = relative ? '' : (/^[^:]+:\/\/(?:[^@/?#]*@)?([^/?#]*)/.exec(text)?.[1] ?? '');
  const [, hostname = '', port = ''] = /^(\[[^\]]*\]|[^:]*)(?::(\d*))?$/.exec(authority) ?? [];
  return opaque('net.URL', {
    scheme: relative ? '' : url.protocol.slice(0, -1),
    host: authority,
    hostname: hostname.replace(/^\[|\]$/g, ''),
    port,
    path: /^(?:[^:/?#]+:)?(?:\/\/[^/?#]*)?([^?#]*)/.exec(text)?.[1] ?? '',
    query: celMap(
      new Map(
        [...new Set(url.searchParams.keys())].map((key) => [key, celList(url.searchParams.getAll(key))] as const),
      ),
    ),
  });
}

const urlGetter = (name: string, field: string) =>
  celMethod(name, MAP, [], STRING, function () {
    return fieldOf(this, 'net.URL', field) as string;
  });

/** ip, isIP, cidr, isCIDR, url, isURL and their methods. */
export const netFunctions = [
  celFunc('isIP', [STRING], BOOL, (text) => parseIp(text) !== undefined),
  celFunc('ip', [STRING], MAP, (text) => ipValue(requireIp(text))),
  celFunc('ip.isCanonical', [STRING], BOOL, (text) => printIp(requireIp(text)) === text),
  celMethod('family', MAP, [], INT, function () {
    return BigInt(addressOf(this).family);
  }),
  ...Object.entries(IP_TESTS).map(([name, test]) =>
    celMethod(name, MAP, [], BOOL, function () {
      return test(addressOf(this));
    }),
  ),
  celFunc('isCIDR', [STRING], BOOL, (text) => parseCidr(text) !== undefined),
  celFunc('cidr', [STRING], MAP, (text) => cidrValue(requireCidr(text))),
  celMethod('containsIP', MAP, [STRING], BOOL, function (text) {
    return inCidr(cidrOf(this), requireIp(text));
  }),
  celMethod('containsIP', MAP, [MAP], BOOL, function (ip) {
    return inCidr(cidrOf(this), addressOf(ip));
  }),
  celMethod('containsCIDR', MAP, [STRING], BOOL, function (text) {
    const other = requireCidr(text);
    return other.prefix >= cidrOf(this).prefix && inCidr(cidrOf(this), other);
  }),
  celMethod('containsCIDR', MAP, [MAP], BOOL, function (cidr) {
    const other = cidrOf(cidr);
    return other.prefix >= cidrOf(this).prefix && inCidr(cidrOf(this), other);
  }),
  celMethod('ip', MAP, [], MAP, function () {
    return ipValue(cidrOf(this));
  }),
  celMethod('masked', MAP, [], MAP, function () {
    const cidr = cidrOf(this);
    return cidrValue({ ...cidr, bits: cidr.bits & maskOf(cidr) });
  }),
  celMethod('prefixLength', MAP, [], INT, function () {
    return BigInt(cidrOf(this).prefix);
  }),
  celFunc('string', [MAP], STRING, (value) => {
    if (value.get('$type') === 'net.IP') return printIp(addressOf(value));
    const cidr = cidrOf(value);
    return `${printIp(cidr)}/${cidr.prefix}`;
  }),
  celFunc('isURL', [STRING], BOOL, (text) => parseUrl(text) !== undefined),
  celFunc('url', [STRING], MAP, urlValue),
  urlGetter('getScheme', 'scheme'),
  urlGetter('getHost', 'host'),
  urlGetter('getHostname', 'hostname'),
  urlGetter('getPort', 'port'),
  urlGetter('getEscapedPath', 'path'),
  celMethod('getQuery', MAP, [], mapType(STRING, listType(STRING)), function () {
    return fieldOf(this, 'net.URL', 'query') as CelMap;
  }),
];
