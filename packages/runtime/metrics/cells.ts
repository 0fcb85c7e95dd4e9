/** One series of a counter. */
export class Counter {
  value = 0;

  add(amount: number): void {
    this.value += amount;
  }
  inc(): void {
    this.value++;
  }
}

/** One series of a gauge. */
export class Gauge {
  value = 0;

  set(value: number): void {
    this.value = value;
  }
  inc(): void {
    this.value++;
  }
  dec(): void {
    this.value--;
  }
}

/** One series of a histogram with fixed upper bounds; counts are kept per bucket and summed up when rendered. */
export class Histogram {
  readonly bounds: readonly number[];
  /** Not Uint32Array: a busy bucket passes 2^32 within days. */
  readonly counts: Float64Array;
  sum = 0;
  count = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Float64Array(bounds.length);
  }

  observe(value: number): void {
    this.sum += value;
    this.count++;
    const bounds = this.bounds;
    for (let i = 0; i < bounds.length; i++)
      if (value <= bounds[i]!) {
        this.counts[i]!++;
        return;
      }
  }
}

export type Cell = Counter | Gauge | Histogram;
