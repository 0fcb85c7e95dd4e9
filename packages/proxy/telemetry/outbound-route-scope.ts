import type { ProxyMetrics } from '#model/metrics';
import type { Counter, Histogram, LabelsOf } from '#runtime/metrics';
import type { Outcome, RequestScope } from '../http/index.ts';
import { routeError } from './errors.ts';
import type { Metrics } from './labels.ts';
import { StatusCounters } from './status-counters.ts';

/** outbound_http_route_request_* of one route. */
export class OutboundRouteScope implements RequestScope {
  readonly #seconds: Histogram;
  readonly #frames: Histogram;
  readonly #statuses: StatusCounters;

  constructor(metrics: Metrics, labels: LabelsOf<ProxyMetrics, 'outbound_http_route_request_duration_seconds'>) {
    this.#seconds = metrics.histogram('outbound_http_route_request_duration_seconds', labels);
    this.#frames = metrics.histogram('outbound_http_route_request_frame_size_bytes', labels);
    this.#statuses = new StatusCounters((http_status, fault) =>
      metrics.counter('outbound_http_route_request_statuses_total', {
        ...labels,
        http_status,
        error: routeError(fault),
      }),
    );
  }

  started(): void {
    // The duration's count says it; Linkerd has no counter of its own here.
  }
  requestFrame(bytes: number): void {
    this.#frames.observe(bytes);
  }
  responseFrame(): void {
    // Counted by the backend.
  }

  ended(outcome: Outcome): void {
    this.#seconds.observe((outcome.endMs - outcome.startMs) / 1000);
    this.#statuses.count(outcome);
  }
}

/** outbound_http_route_backend_* of one backend of one route. */
export class OutboundBackendScope implements RequestScope {
  readonly #requests: Counter;
  readonly #seconds: Histogram;
  readonly #frames: Histogram;
  readonly #statuses: StatusCounters;

  constructor(metrics: Metrics, labels: LabelsOf<ProxyMetrics, 'outbound_http_route_backend_requests_total'>) {
    this.#requests = metrics.counter('outbound_http_route_backend_requests_total', labels);
    this.#seconds = metrics.histogram('outbound_http_route_backend_response_duration_seconds', labels);
    this.#frames = metrics.histogram('outbound_http_route_backend_response_frame_size_bytes', labels);
    this.#statuses = new StatusCounters((http_status, fault) =>
      metrics.counter('outbound_http_route_backend_response_statuses_total', {
        ...labels,
        http_status,
        error: routeError(fault),
      }),
    );
  }

  started(): void {
    this.#requests.inc();
  }
  requestFrame(): void {
    // Counted by the route.
  }
  responseFrame(bytes: number): void {
    this.#frames.observe(bytes);
  }

  ended(outcome: Outcome): void {
    if (outcome.responseStartMs > 0) this.#seconds.observe((outcome.endMs - outcome.responseStartMs) / 1000);
    this.#statuses.count(outcome);
  }
}
