import { isFailure } from '#model/classify';
import type { ProxyMetrics } from '#model/metrics';
import type { Counter, LabelsOf } from '#runtime/metrics';
import type { Outcome, RequestScope } from '../http/index.ts';
import { Bindings } from './bindings.ts';
import type { Metrics } from './labels.ts';
import { ResponseCells } from './response-cells.ts';
import { Stack } from './stack.ts';
import { knownGrpcStatus } from './status.ts';

export type EndpointLabels = LabelsOf<ProxyMetrics, 'request_total'>;

/** request_total, response_total and response_latency_ms of one label set. */
export class EndpointScope implements RequestScope {
  /** What tap and spans tell of the endpoint. */
  readonly labels: EndpointLabels;
  readonly #bindings: Bindings;
  readonly #stack: Stack;
  readonly #requests: Counter;
  readonly #responses: ResponseCells;

  constructor(metrics: Metrics, labels: EndpointLabels) {
    const bindings = new Bindings(metrics);
    this.labels = labels;
    this.#bindings = bindings;
    this.#stack = new Stack(metrics, labels.direction ?? '', 'http', 'endpoint');
    this.#requests = bindings.counter('request_total', labels);
    this.#responses = new ResponseCells({
      responses: (how) => bindings.counter('response_total', { ...labels, ...how }),
      latency: (status_code) => bindings.histogram('response_latency_ms', { ...labels, status_code }),
      isFailure: isFailed,
    });
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
    this.#responses.count(outcome);
  }

  release(): void {
    this.#bindings.release();
    this.#stack.drop();
  }
}

/** A response that broke off or never came failed, whatever its status says. */
export function isFailed(outcome: Outcome): boolean {
  const { status, grpcStatus, isGrpc, fault, classes } = outcome;
  if (status === 0 || fault !== undefined) return true;
  const known = knownGrpcStatus(grpcStatus);
  return classes ? classes.isFailure(status, known, isGrpc) : isFailure(status, known, isGrpc);
}
