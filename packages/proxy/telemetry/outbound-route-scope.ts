import type { ProxyMetrics } from '#model/metrics';
import type { Counter, Histogram, LabelsOf } from '#runtime/metrics';
import type { Outcome, RequestScope, RetryEvent } from '../http/index.ts';
import { Bindings } from './bindings.ts';
import { routeError } from './errors.ts';
import type { Metrics } from './labels.ts';
import { type RouteKind, StatusCounters } from './status.ts';

export type OutboundRouteLabels = LabelsOf<ProxyMetrics, 'outbound_http_route_request_duration_seconds'>;

const RETRIES = {
  retry: 'retry_requests_total',
  success: 'retry_successes_total',
  limit: 'retry_limit_exceeded_total',
  overflow: 'retry_overflow_total',
} as const satisfies Record<RetryEvent, string>;

/** outbound_http_route_request_* and _retry_* (or outbound_grpc_route_*) of one route. */
export class OutboundRouteScope implements RequestScope {
  readonly #bindings: Bindings;
  readonly #kind: RouteKind;
  readonly #labels: OutboundRouteLabels;
  readonly #seconds: Histogram;
  readonly #frames: Histogram;
  readonly #statuses: StatusCounters;
  readonly #retries: Partial<Record<RetryEvent, Counter>> = {};

  constructor(metrics: Metrics, labels: OutboundRouteLabels, kind: RouteKind = 'http') {
    const bindings = new Bindings(metrics);
    this.#bindings = bindings;
    this.#kind = kind;
    this.#labels = labels;
    this.#seconds = bindings.histogram(`outbound_${kind}_route_request_duration_seconds`, labels);
    this.#frames = bindings.histogram(`outbound_${kind}_route_request_frame_size_bytes`, labels);
    this.#statuses = new StatusCounters(kind, (status, fault) =>
      bindings.counter(`outbound_${kind}_route_request_statuses_total`, {
        ...labels,
        ...statusLabel(kind, status),
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

  retried(what: RetryEvent): void {
    let counter = this.#retries[what];
    if (!counter) {
      counter = this.#bindings.counter(`outbound_${this.#kind}_route_${RETRIES[what]}`, this.#labels);
      this.#retries[what] = counter;
    }
    counter.inc();
  }

  release(): void {
    this.#bindings.release();
  }
}

/** outbound_http_route_backend_* (or outbound_grpc_route_backend_*) of one backend of one route. */
export class OutboundBackendScope implements RequestScope {
  readonly #bindings: Bindings;
  readonly #requests: Counter;
  readonly #seconds: Histogram;
  readonly #frames: Histogram;
  readonly #statuses: StatusCounters;

  constructor(
    metrics: Metrics,
    labels: LabelsOf<ProxyMetrics, 'outbound_http_route_backend_requests_total'>,
    kind: RouteKind = 'http',
  ) {
    const bindings = new Bindings(metrics);
    this.#bindings = bindings;
    this.#requests = bindings.counter(`outbound_${kind}_route_backend_requests_total`, labels);
    this.#seconds = bindings.histogram(`outbound_${kind}_route_backend_response_duration_seconds`, labels);
    this.#frames = bindings.histogram(`outbound_${kind}_route_backend_response_frame_size_bytes`, labels);
    this.#statuses = new StatusCounters(kind, (status, fault) =>
      bindings.counter(`outbound_${kind}_route_backend_response_statuses_total`, {
        ...labels,
        ...statusLabel(kind, status),
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

  release(): void {
    this.#bindings.release();
  }
}

function statusLabel(kind: RouteKind, status: string): { http_status: string } | { grpc_status: string } {
  return kind === 'http' ? { http_status: status } : { grpc_status: status };
}
