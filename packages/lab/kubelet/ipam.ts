/** The pod addresses of one node, given out in turn so that an address rests long before it is used again. */
export class AddressPool {
  private readonly base: number;
  private readonly size: number;
  private next = 0;
  private readonly used = new Map<string, string>();

  /** `cidr` such as `10.42.0.0/24`. The first two and the last address are never given out. */
  constructor(cidr: string) {
    const [address = '', bits = '24'] = cidr.split('/');
    this.base = toNumber(address);
    this.size = 2 ** (32 - Number(bits));
  }

  /** A free address for an owner (the one it has already, if any); undefined when all are taken. */
  take(owner: string): string | undefined {
    for (const [address, by] of this.used) if (by === owner) return address;
    for (let tries = 0; tries < this.size - 3; tries++) {
      const address = toText(this.base + 2 + (this.next++ % (this.size - 3)));
      if (this.used.has(address)) continue;
      this.used.set(address, owner);
      return address;
    }
    return undefined;
  }

  release(owner: string): void {
    for (const [address, by] of this.used) if (by === owner) this.used.delete(address);
  }
}

const toNumber = (address: string): number => address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);

const toText = (value: number): string => [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
