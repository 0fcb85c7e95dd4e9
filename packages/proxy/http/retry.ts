import { FAULTS, type Fault } from '#model/faults';
import { backoffMs, RETRY_HEADERS, RetryPolicy, readRetryHeaders, readTimeoutHeaders } from '#model/retry';
import type { Field, RequestHead } from '#wire/fields';
import type { Plan, RetryEvent, RetryPlan, Timeouts } from './contract.ts';
import { fieldValue, NAMES, type StripTable, stripFields } from './names.ts';

/** Failures without a response that a policy retries whatever its conditions. Source: Linkerd proxy, policy retries. */
const ALWAYS_RETRIED: ReadonlySet<string> = new Set(['fail-fast', 'response-headers-timeout', 'stream-refused']);

/** The retries of one request; made only for requests that may have some. */
export class Retries {
  readonly plan: RetryPlan;
  /** The head before filters of an attempt changed it. */
  readonly original: RequestHead;
  readonly #counted: ((what: RetryEvent) => void) | undefined;
  #issued = 0;
  /** The last answer would have been tried again, had it been possible. */
  #unacceptable = false;

  constructor(plan: RetryPlan, original: RequestHead, counted: ((what: RetryEvent) => void) | undefined) {
    this.plan = plan;
    this.original = original;
    this.#counted = counted;
  }

  /** How long the current attempt may take to its response head; the last one has no bound of its own. */
  get perTryMs(): number | undefined {
    return this.#issued < this.plan.limit ? this.plan.perTryMs : undefined;
  }

  get issued(): number {
    return this.#issued;
  }

  /** Whether a response asks for another attempt and that may be made; counts it then. `possible`: the request can be sent again. */
  afterResponse(status: number, grpcStatus: number, possible: boolean): boolean {
    this.#unacceptable = this.plan.retryable(status, grpcStatus);
    return this.#unacceptable && possible && this.#spend();
  }

  /** The same for an attempt without a response. */
  afterFault(fault: Fault, isGrpc: boolean, possible: boolean): boolean {
    const row = FAULTS[fault.code];
    this.#unacceptable = true;
    if (fault.code === 'load-shed' && this.#issued > 0) this.#counted?.('overflow');
    if (!ALWAYS_RETRIED.has(fault.code)) {
      // An endpoint that failed amounts to its own answer: 502 or 504.
      if (row.side !== 'upstream' || row.label !== 'i/o') return false;
      if (!this.plan.retryable(isGrpc ? 200 : row.status, isGrpc ? row.grpc : -1)) return false;
    }
    return possible && this.#spend();
  }

  /** The wait before the attempt just granted; `random` in [0, 1). */
  delayMs(random: number): number {
    const { backoff } = this.plan;
    return backoff ? backoffMs(backoff, this.#issued, random) : 0;
  }

  ended(): void {
    this.plan.deposit?.();
    if (this.#issued > 0 && !this.#unacceptable) this.#counted?.('success');
  }

  #spend(): boolean {
    if (this.#issued >= this.plan.limit) {
      this.#counted?.('limit');
      return false;
    }
    if (this.plan.withdraw && !this.plan.withdraw()) {
      this.#counted?.('overflow');
      return false;
    }
    this.#issued++;
    this.#counted?.('retry');
    return true;
  }
}

/** What bounds a request: its route's plan, changed by its own headers where the plan allows them. */
export interface Bounds {
  readonly retry: RetryPlan | undefined;
  readonly timeouts: Timeouts | undefined;
}

const RETRY_FIELDS: StripTable = new Uint8Array(NAMES.size);
for (const name of RETRY_HEADERS) RETRY_FIELDS[NAMES.idOf(name)] = 1;

/** Reads and removes the headers that ask for retries and time-outs. */
export function takeBounds(plan: Pick<Plan<never>, 'retry' | 'timeouts'>, fields: Field[]): Bounds {
  if (!fields.some(({ id }) => RETRY_FIELDS[id] === 1)) return plan;
  const read = (name: (typeof RETRY_HEADERS)[number]): string | undefined => fieldValue(fields, NAMES.idOf(name));
  const base = plan.retry instanceof RetryPolicy ? plan.retry : undefined;
  const bounds = {
    retry: readRetryHeaders(read, base) ?? plan.retry,
    timeouts: { ...plan.timeouts, ...readTimeoutHeaders(read) },
  };
  stripFields(fields, RETRY_FIELDS);
  return bounds;
}
