/** Network, gateway-like first and broadcast addresses of the pool are not given out. */
const RESERVED_LOW = 1;

/** A range of addresses to give out. */
export interface AddressPool {
  cidr: string;
  has(ip: string): boolean;
  all(): string[];
}

/** `172.31.0.0/24` as a pool. */
export function parsePool(cidr: string): AddressPool {
  const [base = '', bits = '32'] = cidr.split('/');
  const first = toNumber(base);
  const size = 2 ** (32 - Number(bits));
  const has = (ip: string): boolean => {
    const offset = toNumber(ip) - first;
    return offset >= RESERVED_LOW && offset < size - 1;
  };
  const all = (): string[] =>
    Array.from({ length: Math.max(0, size - 1 - RESERVED_LOW) }, (_, at) => toAddress(first + RESERVED_LOW + at));
  return { cidr, has, all };
}

const toNumber = (ip: string): number => ip.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
const toAddress = (value: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
