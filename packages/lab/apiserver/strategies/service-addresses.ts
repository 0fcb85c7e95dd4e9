/** The ranges that Services draw from. */
export interface ServiceRanges {
  /** E.g. `10.96.0.0/16`; network, broadcast and the first sixteen addresses are not given out by themselves. */
  readonly serviceCidr: string;
  readonly nodePortMin: number;
  readonly nodePortMax: number;
}

/** Low addresses stay free for those that are asked for by number, such as the API server's and the DNS's. */
const RESERVED_ADDRESSES = 16;

/** Which cluster IPs and node ports are taken. In memory only: filled again from the stored Services at start. */
export class ServiceAddresses {
  readonly #base: number;
  readonly #size: number;
  readonly #ranges: ServiceRanges;
  readonly #ips = new Set<string>();
  readonly #ports = new Set<number>();
  #nextIp = RESERVED_ADDRESSES;
  #nextPort = 0;

  constructor(ranges: ServiceRanges) {
    const [address = '', bits = '32'] = ranges.serviceCidr.split('/');
    this.#base = toNumber(address);
    this.#size = 2 ** (32 - Number(bits));
    this.#ranges = ranges;
  }

  get cidr(): string {
    return this.#ranges.serviceCidr;
  }

  /** Whether the address lies in the range, its first and last excluded. */
  holdsIp(ip: string): boolean {
    if (!/^\d+\.\d+\.\d+\.\d+$/.test(ip)) return false;
    const offset = toNumber(ip) - this.#base;
    return offset > 0 && offset < this.#size - 1;
  }

  holdsPort(port: number): boolean {
    return port >= this.#ranges.nodePortMin && port <= this.#ranges.nodePortMax;
  }

  get portRange(): string {
    return `${this.#ranges.nodePortMin}-${this.#ranges.nodePortMax}`;
  }

  /** Takes one address; false when it is taken already. */
  takeIp(ip: string): boolean {
    if (this.#ips.has(ip)) return false;
    this.#ips.add(ip);
    return true;
  }

  /** The next free address in turn; undefined when none is left. Counting on avoids quick re-use. */
  nextIp(): string | undefined {
    const span = this.#size - 1 - RESERVED_ADDRESSES;
    for (let tries = 0; tries < span; tries++) {
      const offset = RESERVED_ADDRESSES + ((this.#nextIp - RESERVED_ADDRESSES + tries) % span);
      const ip = toAddress(this.#base + offset);
      if (this.#ips.has(ip)) continue;
      this.#nextIp = offset + 1;
      this.#ips.add(ip);
      return ip;
    }
    return undefined;
  }

  takePort(port: number): boolean {
    if (this.#ports.has(port)) return false;
    this.#ports.add(port);
    return true;
  }

  nextPort(): number | undefined {
    const { nodePortMin, nodePortMax } = this.#ranges;
    const span = nodePortMax - nodePortMin + 1;
    for (let tries = 0; tries < span; tries++) {
      const port = nodePortMin + ((this.#nextPort + tries) % span);
      if (!this.takePort(port)) continue;
      this.#nextPort = port - nodePortMin + 1;
      return port;
    }
    return undefined;
  }

  releaseIp(ip: string): void {
    this.#ips.delete(ip);
  }

  releasePort(port: number): void {
    this.#ports.delete(port);
  }
}

const toNumber = (address: string): number =>
  address.split('.').reduce((number, part) => number * 256 + Number(part), 0);

const toAddress = (number: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.');
