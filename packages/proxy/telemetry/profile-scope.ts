import type { ResponseClasses } from '#model/classify';
import type { ProxyMetrics } from '#model/metrics';
import type { Counter, LabelsOf } from '#runtime/metrics';
import type { Outcome, RequestScope } from '../http/index.ts';
import { Bindings } from './bindings.ts';
import { isFailed } from './endpoint-scope.ts';
import type { Metrics } from './labels.ts';
import { ResponseCells } from './response-cells.ts';

export type ProfileRouteLabels = LabelsOf<ProxyMetrics, 'route_request_total'>;

/** Labels of a profile's route: `dst` is `name:port`, `labels` those that the profile gives the route. */
export function profileRouteLabels(
  direction: 'inbound' | 'outbound',
  dst: string,
  labels: Readonly<Record<string, string>>,
): ProfileRouteLabels {
  const route: Record<`rt_${string}`, string> = {};
  for (const [name, value] of Object.entries(labels)) route[`rt_${name}`] = value;
  return { direction, dst, ...route };
}

/** route_request_total and its kin of one profile route; `attempts` gives the scope of its attempts. */
export class ProfileRouteScope implements RequestScope {
  /** What tap tells of the route. */
  readonly labels: ProfileRouteLabels;
  /** Counts what is really sent: push it for each attempt. */
  readonly attempts: RequestScope;
  readonly #bindings: Bindings;
  readonly #requests: Counter;
  readonly #responses: ResponseCells;
  #retryable: Counter | undefined;
  #skipped: Counter | undefined;

  constructor(metrics: Metrics, labels: ProfileRouteLabels, classes?: Pick<ResponseClasses, 'isFailure'>) {
    const bindings = new Bindings(metrics);
    const isFailure = (outcome: Outcome): boolean => {
      const { status, grpcStatus, isGrpc, fault } = outcome;
      if (!classes || status === 0 || fault !== undefined) return isFailed(outcome);
      return classes.isFailure(status, grpcStatus, isGrpc);
    };
    this.labels = labels;
    this.#bindings = bindings;
    this.#requests = bindings.counter('route_request_total', labels);
    this.#responses = new ResponseCells({
      responses: (how) => bindings.counter('route_response_total', { ...labels, ...how }),
      latency: (status_code) => bindings.histogram('route_response_latency_ms', { ...labels, status_code }),
      isFailure,
    });
    this.attempts = new AttemptScope(
      bindings.counter('route_actual_request_total', labels),
      new ResponseCells({
        responses: (how) => bindings.counter('route_actual_response_total', { ...labels, ...how }),
        isFailure,
      }),
    );
  }

  started(): void {
    this.#requests.inc();
  }
  requestFrame(): void {
    // Profile routes do not count frames.
  }
  responseFrame(): void {
    // As above.
  }
  ended(outcome: Outcome): void {
    this.#responses.count(outcome);
  }

  /** A response that the route lets be retried; `skipped`: the budget did not allow it. */
  retryable(skipped: boolean): void {
    if (skipped) {
      this.#skipped ??= this.#bindings.counter('route_retryable_total', { ...this.labels, skipped: 'no_budget' });
      this.#skipped.inc();
    } else {
      this.#retryable ??= this.#bindings.counter('route_retryable_total', this.labels);
      this.#retryable.inc();
    }
  }

  release(): void {
    this.#bindings.release();
  }
}

class AttemptScope implements RequestScope {
  readonly #requests: Counter;
  readonly #responses: ResponseCells;

  constructor(requests: Counter, responses: ResponseCells) {
    this.#requests = requests;
    this.#responses = responses;
  }

  started(): void {
    this.#requests.inc();
  }
  requestFrame(): void {
    // As for the route.
  }
  responseFrame(): void {
    // As for the route.
  }
  ended(outcome: Outcome): void {
    this.#responses.count(outcome);
  }
}
