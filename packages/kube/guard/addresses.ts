import { isIP, isIPv4 } from 'node:net';

/**
 * Why Kubernetes would not take an address as an endpoint's, in words; undefined: it would. The ranges are those of its validation of
 * Endpoints and EndpointSlices: addresses that mean something else to whoever dials them.
 */
export function refusedAddress(address: string): string | undefined {
  const family = isIP(address);
  if (family === 0) return 'is no IP address';
  const octets = family === 4 ? octetsOf(address) : embeddedIPv4(address);
  const range = octets ? SPECIAL_V4.find(({ has }) => has(octets)) : undefined;
  const special = octets ? range?.name : SPECIAL_V6.find(({ has }) => has.test(canonical(address)))?.name;
  return special && `is ${special}`;
}

const SPECIAL_V4: readonly { name: string; has(octets: readonly number[]): boolean }[] = [
  { name: 'unspecified', has: (octets) => octets.every((octet) => octet === 0) },
  { name: 'a loopback address', has: ([a]) => a === 127 },
  { name: 'a link-local address', has: ([a, b]) => a === 169 && b === 254 },
  { name: 'a link-local multicast address', has: ([a, b, c]) => a === 224 && b === 0 && c === 0 },
];

/** On the canonical text. */
const SPECIAL_V6: readonly { name: string; has: RegExp }[] = [
  { name: 'unspecified', has: /^::$/ },
  { name: 'a loopback address', has: /^::1$/ },
  { name: 'a link-local address', has: /^fe[89ab][0-9a-f]:/ },
  { name: 'a link-local multicast address', has: /^ff[0-9a-f]2:/ },
];

const octetsOf = (address: string): number[] => address.split('.').map(Number);

/** `::ffff:127.0.0.1` is `127.0.0.1` to whoever dials it. */
function embeddedIPv4(address: string): number[] | undefined {
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(canonical(address));
  if (!mapped) return undefined;
  const [high = 0, low = 0] = mapped.slice(1).map((group) => Number.parseInt(group, 16));
  return [high >> 8, high & 255, low >> 8, low & 255];
}

/** As RFC 5952 writes it, without a zone. */
const canonical = (address: string): string =>
  new URL(`http://[${address.replace(/%.*$/, '')}]/`).hostname.replace(/^\[|\]$/g, '');

/** Whether an address is of the family that a slice says. */
export const isOfFamily = (address: string, family: unknown): boolean => isIPv4(address) === (family !== 'IPv6');
