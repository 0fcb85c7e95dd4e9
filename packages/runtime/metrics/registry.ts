import type { Cell, Counter, Gauge, Histogram } from './cells.ts';
import { Family, type Series } from './family.ts';
import type { LabelsOf, MetricsTable, NamesOf } from './table.ts';
import { headText, seriesText, type TextFormat } from './text.ts';

export interface RegistryLimits {
  /**
   * Samples of all series together; a histogram counts one for each bucket. A quarter is kept back so that every family has some,
   * one family gets at most half of the rest, and label sets beyond that are folded into one series of their family.
   */
  readonly seriesMax: number;
  /** Families outside of it, whose label sets are few and known: above all the one that counts what was folded. */
  readonly unbounded?: readonly string[];
  /** How long a series stays after its last holder released it. */
  readonly retainMs: number;
}

/** A full registry looks for series to forget at most this often: it takes a walk over all of them. */
const EVICT_EVERY_MS = 1_000;
/** Text after which rendering leaves others their turn. */
const SLICE_CHARS = 128 * 1024;

/** All metrics of a process. Bind a series once, keep the cell, add to it on the hot path. */
export class Registry<T extends MetricsTable> {
  readonly #families = new Map<string, Family>();
  readonly #limits: RegistryLimits;
  readonly #nowMs: () => number;
  readonly #collectors: (() => void)[] = [];
  readonly #unbounded: ReadonlySet<Family>;
  /** Samples that a family has whatever the others take. */
  readonly #floor: number;
  /** Samples beyond all floors, and how many of them are taken. */
  readonly #shared: number;
  #sharedUsed = 0;
  #evictedMs = Number.NEGATIVE_INFINITY;
  readonly #rendering = new Map<TextFormat, Promise<Buffer>>();

  constructor(table: T, limits: RegistryLimits, nowMs: () => number) {
    this.#limits = limits;
    this.#nowMs = nowMs;
    for (const [name, row] of Object.entries(table)) this.#families.set(name, new Family(name, row));
    this.#unbounded = new Set((limits.unbounded ?? []).map((name) => this.#family(name)));
    this.#floor = Math.floor(limits.seriesMax / 4 / Math.max(1, this.#families.size));
    this.#shared = limits.seriesMax - this.#floor * this.#families.size;
  }

  /** How often a label set was bound that the budget had no room for, by family; only families where it happened. */
  get folded(): ReadonlyMap<string, number> {
    const found = new Map<string, number>();
    for (const { name, foldedCount } of this.#families.values()) if (foldedCount > 0) found.set(name, foldedCount);
    return found;
  }

  /** Samples in all series. */
  get samples(): number {
    let sum = 0;
    for (const family of this.#families.values()) sum += family.samples;
    return sum;
  }

  counter<N extends NamesOf<T, 'counter'>>(name: N, labels: LabelsOf<T, NoInfer<N>>): Counter {
    return this.#bind(name, labels) as Counter;
  }

  gauge<N extends NamesOf<T, 'gauge'>>(name: N, labels: LabelsOf<T, NoInfer<N>>): Gauge {
    return this.#bind(name, labels) as Gauge;
  }

  histogram<N extends NamesOf<T, 'histogram'>>(name: N, labels: LabelsOf<T, NoInfer<N>>): Histogram {
    return this.#bind(name, labels) as Histogram;
  }

  /** Adds to a counter that nobody keeps: its series goes when nothing was added for the retention time. */
  count<N extends NamesOf<T, 'counter'>>(name: N, labels: LabelsOf<T, NoInfer<N>>, amount = 1): void {
    (this.#passing(name, labels) as Counter).add(amount);
  }

  /** The same for one value of a histogram. */
  observe<N extends NamesOf<T, 'histogram'>>(name: N, labels: LabelsOf<T, NoInfer<N>>, value: number): void {
    (this.#passing(name, labels) as Histogram).observe(value);
  }

  /** The holder of a cell will not add to it any more; when all have released it, the series goes after a while. */
  release<N extends keyof T & string>(name: N, labels: LabelsOf<T, NoInfer<N>>): void {
    const family = this.#family(name);
    const series = family.series.get(family.labelText(labels));
    if (!series || series.holders === 0) return;
    if (--series.holders === 0) series.releasedMs = this.#nowMs();
  }

  /** Called before each rendering, to set gauges that are read from elsewhere. */
  onCollect(collect: () => void): void {
    this.#collectors.push(collect);
  }

  /** The text of all series, ending in `# EOF`. Families without series are left out. */
  render(format: TextFormat = 'prometheus'): string {
    let text = '';
    for (const piece of this.#pieces(format)) text += piece;
    return text;
  }

  /** As `render`, in slices that take about a millisecond. Who asks while it is being made gets the same. */
  renderSlowly(format: TextFormat = 'prometheus'): Promise<Buffer> {
    let rendering = this.#rendering.get(format);
    if (!rendering) {
      rendering = this.#renderSlices(format).finally(() => this.#rendering.delete(format));
      this.#rendering.set(format, rendering);
    }
    return rendering;
  }

  async #renderSlices(format: TextFormat): Promise<Buffer> {
    const slices: Buffer[] = [];
    let text = '';
    for (const piece of this.#pieces(format)) {
      text += piece;
      if (text.length < SLICE_CHARS) continue;
      // Joined here and now: most of the time goes into this and not into the pieces.
      slices.push(Buffer.from(text));
      text = '';
      await new Promise(setImmediate);
    }
    slices.push(Buffer.from(text));
    return slices.length === 1 ? slices[0]! : Buffer.concat(slices);
  }

  *#pieces(format: TextFormat): Generator<string> {
    for (const collect of this.#collectors) collect();
    this.#evict();
    for (const family of this.#families.values()) {
      let isFirst = true;
      for (const [labels, cell] of family.rendered()) {
        const text = seriesText(family.name, labels, cell);
        yield isFirst ? headText(family, format) + text : text;
        isFirst = false;
      }
    }
    yield '# EOF\n';
  }

  #family(name: string): Family {
    const family = this.#families.get(name);
    if (!family) throw new Error(`${name} is not in the table of metrics`);
    return family;
  }

  #bind(name: string, labels: Readonly<Record<string, string | undefined>>): Cell {
    const family = this.#family(name);
    const series = this.#series(family, labels);
    if (!series) return family.fold();
    series.holders++;
    return series.cell;
  }

  #passing(name: string, labels: Readonly<Record<string, string | undefined>>): Cell {
    const family = this.#family(name);
    const series = this.#series(family, labels);
    if (!series) return family.fold();
    series.releasedMs = this.#nowMs();
    return series.cell;
  }

  /** Undefined: the budget has no room for it. */
  #series(family: Family, labels: Readonly<Record<string, string | undefined>>): Series | undefined {
    const key = family.labelText(labels);
    let series = family.series.get(key);
    if (series) return series;
    if (!this.#hasRoom(family)) {
      if (this.#nowMs() - this.#evictedMs >= EVICT_EVERY_MS) this.#evict();
      if (!this.#hasRoom(family)) return undefined;
    }
    series = { cell: family.newCell(), holders: 0, releasedMs: 0 };
    const before = this.#beyondFloor(family);
    family.series.set(key, series);
    this.#sharedUsed += this.#beyondFloor(family) - before;
    return series;
  }

  #hasRoom(family: Family): boolean {
    if (this.#unbounded.has(family)) return true;
    const after = Math.max(0, family.samples + family.samplesPerSeries - this.#floor);
    const more = after - this.#beyondFloor(family);
    if (more === 0) return true;
    return after <= this.#shared / 2 && this.#sharedUsed + more <= this.#shared;
  }

  #beyondFloor(family: Family): number {
    return this.#unbounded.has(family) ? 0 : Math.max(0, family.samples - this.#floor);
  }

  #evict(): void {
    const nowMs = this.#nowMs();
    const beforeMs = nowMs - this.#limits.retainMs;
    this.#evictedMs = nowMs;
    this.#sharedUsed = 0;
    for (const family of this.#families.values()) {
      for (const [key, series] of family.series)
        if (series.holders === 0 && series.releasedMs <= beforeMs) family.series.delete(key);
      this.#sharedUsed += this.#beyondFloor(family);
    }
  }
}
