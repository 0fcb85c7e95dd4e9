/** An int, or a percentage of `total` rounded up or down, as surge and unavailability are given. */
export function scaledValue(value: number | string | undefined, total: number, rounding: 'up' | 'down'): number {
  if (value === undefined) return 0;
  const percentage = typeof value === 'string' ? /^([0-9]+)%$/.exec(value) : null;
  if (!percentage) return Number(value) || 0;
  const exact = (Number(percentage[1]) * total) / 100;
  return rounding === 'up' ? Math.ceil(exact) : Math.floor(exact);
}
