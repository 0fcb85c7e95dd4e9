import type { FaultCode } from '#model/faults';
import { CODES } from '#runtime/grpc';
import type { Counter } from '#runtime/metrics';
import type { Outcome } from '../http/index.ts';

/** What kind of requests a route is for; names its metrics. */
export type RouteKind = 'http' | 'grpc';

const GRPC_NAMES = Object.keys(CODES);

/** Statuses beyond those of gRPC count as UNKNOWN, so that servers cannot make up series. */
export function knownGrpcStatus(status: number): number {
  return status < GRPC_NAMES.length ? status : CODES.UNKNOWN;
}

/** `200`, `UNAVAILABLE`; '' where there was none. */
export function statusText(kind: RouteKind, outcome: Outcome): string {
  if (kind === 'http') return outcome.status === 0 ? '' : String(outcome.status);
  return outcome.grpcStatus < 0 ? '' : GRPC_NAMES[knownGrpcStatus(outcome.grpcStatus)]!;
}

/** Counters by status and fault, bound when first needed; the common case costs one array look-up. */
export class StatusCounters {
  readonly #kind: RouteKind;
  readonly #bind: (status: string, fault: FaultCode | undefined) => Counter;
  readonly #clean: (Counter | undefined)[] = [];
  readonly #faulty = new Map<string, Counter>();

  constructor(kind: RouteKind, bind: (status: string, fault: FaultCode | undefined) => Counter) {
    this.#kind = kind;
    this.#bind = bind;
  }

  count(outcome: Outcome): void {
    const status = this.#kind === 'http' ? outcome.status : knownGrpcStatus(outcome.grpcStatus) + 1;
    const { fault } = outcome;
    const found = fault === undefined ? this.#clean[status] : this.#faulty.get(`${status} ${fault}`);
    if (found) found.inc();
    else this.#first(status, outcome).inc();
  }

  #first(status: number, outcome: Outcome): Counter {
    const { fault } = outcome;
    const counter = this.#bind(statusText(this.#kind, outcome), fault);
    if (fault === undefined) this.#clean[status] = counter;
    else this.#faulty.set(`${status} ${fault}`, counter);
    return counter;
  }
}
