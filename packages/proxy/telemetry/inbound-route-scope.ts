import type { ProxyMetrics } from '#model/metrics';
import type { Counter, Histogram, LabelsOf } from '#runtime/metrics';
import type { Outcome, RequestScope } from '../http/index.ts';
import { Bindings } from './bindings.ts';
import type { Metrics } from './labels.ts';
import { type RouteKind, StatusCounters } from './status.ts';

/** inbound_http_* or inbound_grpc_* of one route of one port. */
export class InboundRouteScope implements RequestScope {
  readonly #bindings: Bindings;
  readonly #requests: Counter;
  readonly #requestSeconds: Histogram;
  readonly #responseSeconds: Histogram;
  readonly #requestFrames: Histogram;
  readonly #responseFrames: Histogram;
  readonly #statuses: StatusCounters;

  constructor(
    metrics: Metrics,
    labels: LabelsOf<ProxyMetrics, 'inbound_http_requests_total'>,
    kind: RouteKind = 'http',
  ) {
    const bindings = new Bindings(metrics);
    this.#bindings = bindings;
    this.#requests = bindings.counter(`inbound_${kind}_requests_total`, labels);
    this.#requestSeconds = bindings.histogram(`inbound_${kind}_request_duration_seconds`, labels);
    this.#responseSeconds = bindings.histogram(`inbound_${kind}_response_duration_seconds`, labels);
    this.#requestFrames = bindings.histogram(`inbound_${kind}_request_frame_size_bytes`, labels);
    this.#responseFrames = bindings.histogram(`inbound_${kind}_response_frame_size_bytes`, labels);
    this.#statuses = new StatusCounters(kind, (status) =>
      bindings.counter(`inbound_${kind}_statuses_total`, { ...labels, status }),
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

  release(): void {
    this.#bindings.release();
  }
}
