import type { ProxyMetrics } from '#model/metrics';
import type { Counter, Gauge, Histogram, LabelsOf, NamesOf } from '#runtime/metrics';
import type { Metrics } from './labels.ts';

type Name = keyof ProxyMetrics & string;

/** Series that one owner counts into, bound as they are needed and released together. */
export class Bindings {
  readonly #metrics: Metrics;
  readonly #held: (readonly [Name, object])[] = [];
  #isReleased = false;

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  counter<N extends NamesOf<ProxyMetrics, 'counter'>>(name: N, labels: LabelsOf<ProxyMetrics, NoInfer<N>>): Counter {
    const cell = this.#metrics.counter(name, labels);
    this.#hold(name, labels);
    return cell;
  }

  gauge<N extends NamesOf<ProxyMetrics, 'gauge'>>(name: N, labels: LabelsOf<ProxyMetrics, NoInfer<N>>): Gauge {
    const cell = this.#metrics.gauge(name, labels);
    this.#hold(name, labels);
    return cell;
  }

  histogram<N extends NamesOf<ProxyMetrics, 'histogram'>>(
    name: N,
    labels: LabelsOf<ProxyMetrics, NoInfer<N>>,
  ): Histogram {
    const cell = this.#metrics.histogram(name, labels);
    this.#hold(name, labels);
    return cell;
  }

  /** Hardly anybody counts into them any more: they go after the retention time. What is bound later goes with them. */
  release(): void {
    this.#isReleased = true;
    for (const [name, labels] of this.#held.splice(0)) this.#drop(name, labels);
  }

  #hold(name: Name, labels: object): void {
    if (this.#isReleased) this.#drop(name, labels);
    else this.#held.push([name, labels]);
  }

  #drop(name: Name, labels: object): void {
    this.#metrics.release(name, labels as LabelsOf<ProxyMetrics, Name>);
  }
}
