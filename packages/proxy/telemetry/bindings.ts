import type { ProxyMetrics } from '#model/metrics';
import type { Counter, Gauge, Histogram, LabelsOf, NamesOf } from '#runtime/metrics';
import type { Metrics } from './labels.ts';

type Name = keyof ProxyMetrics & string;

/** Series that one owner counts into, bound as they are needed and released together. */
export class Bindings {
  readonly #metrics: Metrics;
  readonly #held: (readonly [Name, object])[] = [];

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  counter<N extends NamesOf<ProxyMetrics, 'counter'>>(name: N, labels: LabelsOf<ProxyMetrics, NoInfer<N>>): Counter {
    this.#held.push([name, labels]);
    return this.#metrics.counter(name, labels);
  }

  gauge<N extends NamesOf<ProxyMetrics, 'gauge'>>(name: N, labels: LabelsOf<ProxyMetrics, NoInfer<N>>): Gauge {
    this.#held.push([name, labels]);
    return this.#metrics.gauge(name, labels);
  }

  histogram<N extends NamesOf<ProxyMetrics, 'histogram'>>(
    name: N,
    labels: LabelsOf<ProxyMetrics, NoInfer<N>>,
  ): Histogram {
    this.#held.push([name, labels]);
    return this.#metrics.histogram(name, labels);
  }

  /** Nobody counts into them any more: they go after the retention time. */
  release(): void {
    for (const [name, labels] of this.#held.splice(0))
      this.#metrics.release(name, labels as LabelsOf<ProxyMetrics, Name>);
  }
}
