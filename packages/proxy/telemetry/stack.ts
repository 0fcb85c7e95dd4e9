import type { Metrics } from './labels.ts';

/** Counts sets of metrics that were made and dropped: how often what the proxy talks to changes. */
export class Stack {
  readonly #metrics: Metrics;
  readonly #labels: { readonly direction: string; readonly protocol: string; readonly name: string };

  constructor(metrics: Metrics, direction: string, protocol: 'http' | 'tcp', name: 'endpoint' | 'source') {
    this.#metrics = metrics;
    this.#labels = { direction, protocol, name };
    metrics.counter('stack_create_total', this.#labels).inc();
  }

  drop(): void {
    this.#metrics.counter('stack_drop_total', this.#labels).inc();
  }
}
