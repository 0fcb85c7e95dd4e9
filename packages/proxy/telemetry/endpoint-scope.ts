import type { ProxyMetrics } from '#model/metrics';
import type { Counter, Histogram, LabelsOf } from '#runtime/metrics';
import type { Outcome, RequestScope } from '../http/index.ts';
import type { Metrics } from './labels.ts';

type Labels = LabelsOf<ProxyMetrics, 'request_total'>;
interface StatusCells {
  success: Counter | undefined;
  failure: Counter | undefined;
  latency: Histogram;
}

/** request_total, response_total and response_latency_ms of one label set. */
export class EndpointScope implements RequestScope {
  readonly #metrics: Metrics;
  readonly #labels: Labels;
  readonly #requests: Counter;
  /** By status code; 0: no response head was sent. */
  readonly #byStatus: StatusCells[] = [];

  constructor(metrics: Metrics, labels: Labels) {
    this.#metrics = metrics;
    this.#labels = labels;
    this.#requests = metrics.counter('request_total', labels);
  }

  started(): void {
    this.#requests.inc();
  }
  requestFrame(): void {
    // Linkerd's endpoint metrics do not count frames.
  }
  responseFrame(): void {
    // As above.
  }

  ended(outcome: Outcome): void {
    const { status } = outcome;
    const cells = this.#byStatus[status] ?? this.#bind(status);
    const failed = status === 0 || status >= 500 || outcome.fault !== undefined;
    const found = failed ? cells.failure : cells.success;
    if (found) found.inc();
    else this.#bindResponses(cells, status, failed ? 'failure' : 'success').inc();
    cells.latency.observe(outcome.endMs - outcome.startMs);
  }

  release(): void {
    this.#metrics.release('request_total', this.#labels);
    this.#byStatus.forEach((cells, status) => {
      const labels = { ...this.#labels, status_code: String(status) };
      this.#metrics.release('response_latency_ms', labels);
      for (const classification of ['success', 'failure'] as const)
        if (cells[classification])
          this.#metrics.release('response_total', { ...labels, classification, grpc_status: '', error: '' });
    });
  }

  #bind(status: number): StatusCells {
    const latency = this.#metrics.histogram('response_latency_ms', { ...this.#labels, status_code: String(status) });
    const cells: StatusCells = { success: undefined, failure: undefined, latency };
    this.#byStatus[status] = cells;
    return cells;
  }

  #bindResponses(cells: StatusCells, status: number, classification: 'success' | 'failure'): Counter {
    const labels = { ...this.#labels, status_code: String(status), classification, grpc_status: '', error: '' };
    const counter = this.#metrics.counter('response_total', labels);
    cells[classification] = counter;
    return counter;
  }
}
