import type { MetricRow } from './row.ts';

/** The same rows with `prefix_` before each name. */
export const prefixed = <const P extends string, const R extends Record<string, MetricRow>>(prefix: P, rows: R) =>
  Object.fromEntries(Object.entries(rows).map(([name, row]) => [`${prefix}_${name}`, row])) as {
    readonly [N in keyof R & string as `${P}_${N}`]: R[N];
  };
