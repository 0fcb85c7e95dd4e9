/** Networks in CIDR notation: text, comparison, and the wire. */
import { create } from '@bufbuild/protobuf';
import { encodeIp, inbound, net, parseIpv4, parseIpv6 } from '#api/mesh';

/** A block of addresses; `base` has the bits beyond the prefix cleared. */
export interface Network {
  ipv6: boolean;
  base: bigint;
  prefix: number;
  /** As it was written, with the prefix added to a bare IP. */
  ip: string;
}

/** Reads `10.0.0.0/8`, `fd00::/8` or a bare address. Undefined when it is neither. */
export function parseNetwork(text: string): Network | undefined {
  const [ip = '', suffix, more] = text.trim().split('/');
  const address = parseIp(ip);
  if (!address || more !== undefined) return undefined;
  const bits = address.ipv6 ? 128 : 32;
  if (suffix !== undefined && !/^\d{1,3}$/.test(suffix)) return undefined;
  const prefix = suffix === undefined ? bits : Number(suffix);
  if (prefix > bits) return undefined;
  const shift = BigInt(bits - prefix);
  return { ipv6: address.ipv6, base: (address.value >> shift) << shift, prefix, ip };
}

/** An address as a number. */
export function parseIp(ip: string): { ipv6: boolean; value: bigint } | undefined {
  const ipv4 = parseIpv4(ip);
  if (ipv4 !== undefined) return { ipv6: false, value: BigInt(ipv4) };
  const hextets = parseIpv6(ip);
  return hextets && { ipv6: true, value: hextets.reduce((sum, part) => (sum << 16n) | BigInt(part), 0n) };
}

/** Reads a comma-separated list; undefined when any part is no network. */
export function parseNetworks(text: string): Network[] | undefined {
  const networks = text
    .split(',')
    .filter((part) => part.trim() !== '')
    .map(parseNetwork);
  return networks.some((network) => network === undefined) ? undefined : (networks as Network[]);
}

/** Whether `inner` lies within `outer`; a network lies within itself. */
export function contains(outer: Network, inner: Network): boolean {
  if (outer.ipv6 !== inner.ipv6 || outer.prefix > inner.prefix) return false;
  const shift = BigInt((outer.ipv6 ? 128 : 32) - outer.prefix);
  return outer.base >> shift === inner.base >> shift;
}

/** Whether the address is in any of the networks. */
export function includes(networks: readonly Network[], ip: string): boolean {
  const address = parseNetwork(ip);
  return address !== undefined && networks.some((network) => contains(network, address));
}

/** Networks with the parts of them that do not count. */
export interface NetworkMatch {
  network: Network;
  except: readonly Network[];
}

/** Every address. */
export const ALL_NETWORKS: readonly NetworkMatch[] = ['0.0.0.0/0', '::/0'].map((text) => {
  const network = parseNetwork(text);
  if (!network) throw new Error(`${text} is a network`);
  return { network, except: [] };
});

/** The wire form. */
export function encodeNetwork(match: NetworkMatch): inbound.Network {
  return create(inbound.NetworkSchema, { net: encodeNet(match.network), except: match.except.map(encodeNet) });
}

function encodeNet(network: Network): net.IPNetwork {
  const ip = encodeIp(network.ip);
  return create(net.IPNetworkSchema, { ...(ip && { ip }), prefixLen: network.prefix });
}
