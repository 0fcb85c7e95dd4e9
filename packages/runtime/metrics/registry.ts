import { Counter, Gauge, Histogram } from './cells.ts';

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

type NamesOf<T extends MetricsTable, K extends string> = {
  [N in keyof T & string]: T[N]['type'] extends K ? N : never;
}[keyof T & string];

type Cell = Counter | Gauge | Histogram;

interface Series {
  cell: Cell;
  /** How many holders count into it; 0: it goes after the retention time. */
  holders: number;
  releasedMs: number;
}

interface Family {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly order: readonly string[];
  readonly openPrefixes: readonly string[];
  readonly buckets: readonly number[];
  readonly series: Map<string, Series>;
}

export interface RegistryLimits {
  /** Series in all families; further ones count into the void and into `dropped`. */
  readonly seriesMax: number;
  /** How long a series stays after its last holder released it. */
  readonly retainMs: number;
}

/** All metrics of a process. Bind a series once, keep the cell, add to it on the hot path. */
export class Registry<T extends MetricsTable> {
  /** Series refused because the budget was spent. */
  dropped = 0;
  readonly #families = new Map<string, Family>();
  readonly #limits: RegistryLimits;
  readonly #nowMs: () => number;
  readonly #collectors: (() => void)[] = [];
  #seriesCount = 0;

  constructor(table: T, limits: RegistryLimits, nowMs: () => number) {
    this.#limits = limits;
    this.#nowMs = nowMs;
    for (const [name, row] of Object.entries(table))
      this.#families.set(name, {
        type: row.type,
        help: row.help,
        order: row.labels.filter((label) => !label.endsWith('*')),
        openPrefixes: row.labels.filter((label) => label.endsWith('*')).map((label) => label.slice(0, -1)),
        buckets: row.buckets ?? [],
        series: new Map(),
      });
  }

  counter<N extends NamesOf<T, 'counter'>>(name: N, labels: LabelsOf<T, NoInfer<N>>): Counter {
    return this.#bind(name, labels, () => new Counter()) as Counter;
  }

  gauge<N extends NamesOf<T, 'gauge'>>(name: N, labels: LabelsOf<T, NoInfer<N>>): Gauge {
    return this.#bind(name, labels, () => new Gauge()) as Gauge;
  }

  histogram<N extends NamesOf<T, 'histogram'>>(name: N, labels: LabelsOf<T, NoInfer<N>>): Histogram {
    return this.#bind(name, labels, (family) => new Histogram(family.buckets)) as Histogram;
  }

  /** The holder of a cell will not add to it any more; when all have released it, the series goes after a while. */
  release<N extends keyof T & string>(name: N, labels: LabelsOf<T, NoInfer<N>>): void {
    const family = this.#family(name);
    const series = family.series.get(labelText(family, labels));
    if (!series || series.holders === 0) return;
    if (--series.holders === 0) series.releasedMs = this.#nowMs();
  }

  /** Called before each rendering, to set gauges that are read from elsewhere. */
  onCollect(collect: () => void): void {
    this.#collectors.push(collect);
  }

  /** Prometheus text format, ending in `# EOF`. Families without series are left out. */
  render(): string {
    for (const collect of this.#collectors) collect();
    this.#evict();
    const lines: string[] = [];
    for (const [name, family] of this.#families) {
      if (family.series.size === 0) continue;
      lines.push(`# HELP ${name} ${family.help}`, `# TYPE ${name} ${family.type}`);
      for (const [labels, series] of family.series) renderSeries(lines, name, labels, series.cell);
    }
    lines.push('# EOF', '');
    return lines.join('\n');
  }

  #family(name: string): Family {
    const family = this.#families.get(name);
    if (!family) throw new Error(`${name} is not in the table of metrics`);
    return family;
  }

  #bind(name: string, labels: Readonly<Record<string, string | undefined>>, make: (family: Family) => Cell): Cell {
    const family = this.#family(name);
    const key = labelText(family, labels);
    const found = family.series.get(key);
    if (found) {
      found.holders++;
      return found.cell;
    }
    const cell = make(family);
    if (this.#seriesCount >= this.#limits.seriesMax) this.#evict();
    if (this.#seriesCount >= this.#limits.seriesMax) {
      this.dropped++;
      return cell;
    }
    family.series.set(key, { cell, holders: 1, releasedMs: 0 });
    this.#seriesCount++;
    return cell;
  }

  #evict(): void {
    const beforeMs = this.#nowMs() - this.#limits.retainMs;
    for (const family of this.#families.values())
      for (const [key, series] of family.series)
        if (series.holders === 0 && series.releasedMs <= beforeMs) {
          family.series.delete(key);
          this.#seriesCount--;
        }
  }
}

function labelText(family: Family, labels: Readonly<Record<string, string | undefined>>): string {
  const parts: string[] = [];
  for (const name of family.order) {
    const value = labels[name];
    if (value !== undefined) parts.push(`${name}="${escapeValue(value)}"`);
  }
  for (const prefix of family.openPrefixes)
    for (const name of Object.keys(labels).sort()) {
      const value = labels[name];
      if (value !== undefined && name.startsWith(prefix) && !family.order.includes(name))
        parts.push(`${name.replace(/[^a-zA-Z0-9_]/g, '_')}="${escapeValue(value)}"`);
    }
  return parts.join(',');
}

function escapeValue(value: string): string {
  return value.replace(/[\\"\n]/g, (char) => (char === '\n' ? '\\n' : `\\${char}`));
}

function renderSeries(lines: string[], name: string, labels: string, cell: Cell): void {
  const braces = labels === '' ? '' : `{${labels}}`;
  if (!(cell instanceof Histogram)) {
    lines.push(`${name}${braces} ${cell.value}`);
    return;
  }
  const before = labels === '' ? '' : `${labels},`;
  let total = 0;
  for (let i = 0; i < cell.bounds.length; i++) {
    total += cell.counts[i]!;
    lines.push(`${name}_bucket{${before}le="${cell.bounds[i]}"} ${total}`);
  }
  lines.push(`${name}_bucket{${before}le="+Inf"} ${cell.count}`);
  lines.push(`${name}_sum${braces} ${cell.sum}`, `${name}_count${braces} ${cell.count}`);
}
