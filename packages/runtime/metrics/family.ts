import { type Cell, Counter, Gauge, Histogram } from './cells.ts';
import type { MetricsTable } from './table.ts';

export interface Series {
  readonly cell: Cell;
  /** How many holders count into it; 0: it goes after the retention time. */
  holders: number;
  releasedMs: number;
}

/** What stands for the value of every label of a series that takes the counts of others. */
export const FOLDED = '_folded';

/** All series of one metric, by the text of their labels. */
export class Family {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly series = new Map<string, Series>();
  /** Samples that one series is rendered as: what a scraper stores. */
  readonly samplesPerSeries: number;
  /** How often a label set was folded because the budget was spent. */
  foldedCount = 0;
  readonly #order: readonly string[];
  readonly #buckets: readonly number[];
  #fold: Cell | undefined;

  constructor(name: string, row: MetricsTable[string]) {
    this.name = name;
    this.type = row.type;
    this.help = row.help;
    this.#order = row.labels;
    this.#buckets = row.buckets ?? [];
    this.samplesPerSeries = row.type === 'histogram' ? this.#buckets.length + 3 : 1;
  }

  get samples(): number {
    return this.series.size * this.samplesPerSeries;
  }

  newCell(): Cell {
    if (this.type === 'counter') return new Counter();
    return this.type === 'gauge' ? new Gauge() : new Histogram(this.#buckets);
  }

  /**
   * The cell for label sets that the budget has no room for: one series for all of them, so that sums over the family stay right.
   * Gauges are levels of single things and mean nothing together, so each counts into the void.
   */
  fold(): Cell {
    this.foldedCount++;
    if (this.type === 'gauge') return new Gauge();
    this.#fold ??= this.newCell();
    return this.#fold;
  }

  /** Label texts and cells to render. */
  *rendered(): Generator<readonly [string, Cell]> {
    for (const [labels, { cell }] of this.series) yield [labels, cell];
    const named = this.#order.filter((name) => !name.endsWith('*'));
    if (this.#fold) yield [named.map((name) => `${name}="${FOLDED}"`).join(','), this.#fold];
  }

  /** `a="x",b="y"`: the table's labels in its order, those with an open beginning sorted in their place. */
  labelText(labels: Readonly<Record<string, string | undefined>>): string {
    let text = '';
    for (const name of this.#order) {
      const value = labels[name];
      if (value !== undefined) text += `${text === '' ? '' : ','}${name}="${escapeValue(value)}"`;
      else if (name.endsWith('*')) text = this.#withOpen(text, name.slice(0, -1), labels);
    }
    return text;
  }

  #withOpen(before: string, prefix: string, labels: Readonly<Record<string, string | undefined>>): string {
    let text = before;
    const taken = new Set(this.#order);
    for (const name of Object.keys(labels).sort()) {
      const value = labels[name];
      // Two names that become the same would make the whole page invalid: the first one stays.
      const safe = name.replace(/[^a-zA-Z0-9_]/g, '_');
      if (value === undefined || !name.startsWith(prefix) || taken.has(safe)) continue;
      taken.add(safe);
      text += `${text === '' ? '' : ','}${safe}="${escapeValue(value)}"`;
    }
    return text;
  }
}

function escapeValue(value: string): string {
  return /[\\"\n]/.test(value) ? value.replace(/[\\"\n]/g, (char) => (char === '\n' ? '\\n' : `\\${char}`)) : value;
}
