/** Name -> kind, help, labels (in order; `x_*` is open) and buckets. */
export type MetricsTable = Readonly<
  Record<
    string,
    {
      readonly type: 'counter' | 'gauge' | 'histogram';
      readonly help: string;
      readonly labels: readonly string[];
      readonly buckets?: readonly number[];
    }
  >
>;

type Open<L extends string> = L extends `${infer Prefix}*` ? `${Prefix}${string}` : L;

/** Labels that a metric of the table takes; undefined ones are left out of the series. */
export type LabelsOf<T extends MetricsTable, N extends keyof T> = {
  readonly [K in Open<T[N]['labels'][number]>]?: string | undefined;
};

/** Names of the table's metrics of one kind. */
export type NamesOf<T extends MetricsTable, K extends string> = {
  [N in keyof T & string]: T[N]['type'] extends K ? N : never;
}[keyof T & string];
