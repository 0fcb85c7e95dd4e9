/** One metric. */
export interface MetricRow {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  /** In the order they are written. A label ending in `*` stands for every label with that beginning. */
  readonly labels: readonly string[];
  /** Upper bounds of a histogram's buckets without +Inf, in the unit of the name. */
  readonly buckets?: readonly number[];
}

export const counter = <const L extends readonly string[]>(labels: L, help: string) =>
  ({ type: 'counter', labels, help }) as const;
export const gauge = <const L extends readonly string[]>(labels: L, help: string) =>
  ({ type: 'gauge', labels, help }) as const;
export const histogram = <const L extends readonly string[]>(labels: L, buckets: readonly number[], help: string) =>
  ({ type: 'histogram', labels, buckets, help }) as const;
