import type { FaultCode } from '#model/faults';
import type { Counter } from '#runtime/metrics';
import type { Outcome } from '../http/index.ts';

/** Counters by status and fault, bound when first needed; the common case costs one array look-up. */
export class StatusCounters {
  readonly #bind: (status: string, fault: FaultCode | undefined) => Counter;
  readonly #clean: (Counter | undefined)[] = [];
  readonly #faulty = new Map<string, Counter>();

  constructor(bind: (status: string, fault: FaultCode | undefined) => Counter) {
    this.#bind = bind;
  }

  count(outcome: Outcome): void {
    const { status, fault } = outcome;
    const found = fault === undefined ? this.#clean[status] : this.#faulty.get(`${status} ${fault}`);
    if (found) found.inc();
    else this.#first(status, fault).inc();
  }

  #first(status: number, fault: FaultCode | undefined): Counter {
    const counter = this.#bind(status === 0 ? '' : String(status), fault);
    if (fault === undefined) this.#clean[status] = counter;
    else this.#faulty.set(`${status} ${fault}`, counter);
    return counter;
  }
}
