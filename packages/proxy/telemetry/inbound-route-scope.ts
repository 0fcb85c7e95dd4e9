import type { ProxyMetrics } from '#model/metrics';
import type { Counter, Histogram, LabelsOf } from '#runtime/metrics';
import type { Outcome, RequestScope } from '../http/index.ts';
import type { Metrics } from './labels.ts';
import { StatusCounters } from './status-counters.ts';

/** inbound_http_* of one route of one port. */
export class InboundRouteScope implements RequestScope {
  readonly #requests: Counter;
  readonly #requestSeconds: Histogram;
  readonly #responseSeconds: Histogram;
  readonly #requestFrames: Histogram;
  readonly #responseFrames: Histogram;
  readonly #statuses: StatusCounters;

  constructor(metrics: Metrics, labels: LabelsOf<ProxyMetrics, 'inbound_http_requests_total'>) {
    this.#requests = metrics.counter('inbound_http_requests_total', labels);
    this.#requestSeconds = metrics.histogram('inbound_http_request_duration_seconds', labels);
    this.#responseSeconds = metrics.histogram('inbound_http_response_duration_seconds', labels);
    this.#requestFrames = metrics.histogram('inbound_http_request_frame_size_bytes', labels);
    this.#responseFrames = metrics.histogram('inbound_http_response_frame_size_bytes', labels);
    this.#statuses = new StatusCounters((status) =>
      metrics.counter('inbound_http_statuses_total', { ...labels, status }),
    );
  }

  started(): void {
    this.#requests.inc();
  }
  requestFrame(bytes: number): void {
    this.#requestFrames.observe(bytes);
  }
  responseFrame(bytes: number): void {
    this.#responseFrames.observe(bytes);
  }

  ended(outcome: Outcome): void {
    this.#requestSeconds.observe((outcome.endMs - outcome.startMs) / 1000);
    if (outcome.responseStartMs > 0) this.#responseSeconds.observe((outcome.endMs - outcome.responseStartMs) / 1000);
    this.#statuses.count(outcome);
  }
}
