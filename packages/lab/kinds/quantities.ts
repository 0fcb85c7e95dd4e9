const SUFFIXES: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** A resource quantity as a number in base units: `250m` of cpu is 0.25, `64Mi` is 67108864. Malformed ones are NaN. */
export function quantityValue(quantity: string | number | undefined): number {
  if (quantity === undefined) return 0;
  if (typeof quantity === 'number') return quantity;
  const parsed = /^([+-]?[0-9.]+)(?:([eE][+-]?[0-9]+)|(n|u|m|k|M|G|T|P|E|[KMGTPE]i)?)$/.exec(quantity.trim());
  if (!parsed) return Number.NaN;
  return Number(`${parsed[1]}${parsed[2] ?? ''}`) * (SUFFIXES[parsed[3] ?? ''] ?? Number.NaN);
}

/** An int, or a percentage of `total` rounded up or down, as surge and unavailability are given. */
export function scaledValue(value: number | string | undefined, total: number, rounding: 'up' | 'down'): number {
  if (value === undefined) return 0;
  const percentage = typeof value === 'string' ? /^([0-9]+)%$/.exec(value) : null;
  if (!percentage) return Number(value) || 0;
  const exact = (Number(percentage[1]) * total) / 100;
  return rounding === 'up' ? Math.ceil(exact) : Math.floor(exact);
}
