import { parseIpv4, parseIpv6 } from '#api/mesh';
import type { Network } from '#model/proxy-config';

/** Sixteen bytes; IPv4 as IPv4 in IPv6. Undefined when the text is no address. */
export function parseIp(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(16);
  const ipv4 = parseIpv4(text);
  if (ipv4 !== undefined) {
    bytes[10] = 255;
    bytes[11] = 255;
    for (let i = 0; i < 4; i++) bytes[12 + i] = (ipv4 / 2 ** (24 - 8 * i)) & 255;
    return bytes;
  }
  const hextets = parseIpv6(text);
  if (!hextets) return undefined;
  hextets.forEach((hextet, i) => {
    bytes[i * 2] = hextet >> 8;
    bytes[i * 2 + 1] = hextet & 255;
  });
  return bytes;
}

/** A network; it holds addresses of its own family only, IPv4 written either way. */
export class Cidr {
  readonly #ip: Uint8Array;
  readonly #bits: number;
  readonly text: string;
  readonly #isIpv4: boolean;

  private constructor(ip: Uint8Array, bits: number, text: string) {
    this.#ip = ip;
    this.#bits = bits;
    this.text = text;
    this.#isIpv4 = isMapped(ip) && bits >= 96;
  }

  /** Undefined when `ip` is no address. */
  static of(network: Network): Cidr | undefined {
    const ip = parseIp(network.ip);
    const isIpv4 = parseIpv4(network.ip) !== undefined;
    return ip && new Cidr(ip, network.prefix + (isIpv4 ? 96 : 0), `${network.ip}/${network.prefix}`);
  }

  contains(ip: Uint8Array): boolean {
    if (isMapped(ip) !== this.#isIpv4) return false;
    const whole = this.#bits >> 3;
    for (let i = 0; i < whole; i++) if (ip[i] !== this.#ip[i]) return false;
    const rest = this.#bits & 7;
    if (rest === 0) return true;
    const mask = (0xff << (8 - rest)) & 0xff;
    return (ip[whole]! & mask) === (this.#ip[whole]! & mask);
  }
}

/** IPv4 in IPv6: ten bytes 0, two bytes 255. */
function isMapped(ip: Uint8Array): boolean {
  for (let i = 0; i < 10; i++) if (ip[i] !== 0) return false;
  return ip[10] === 255 && ip[11] === 255;
}
