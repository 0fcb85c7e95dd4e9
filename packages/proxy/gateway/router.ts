import { Fault } from '#model/faults';
import type { Exchange, Plan } from '../http/index.ts';
import type { ReadyRouter } from './passage.ts';

/** Requests through the gateway: the policy of our own port admits them, then the plan for the name they are for takes them. */
export class GatewayRouter implements ReadyRouter {
  readonly #admission: ReadyRouter;
  readonly #onward: ReadyRouter;
  /** The last pair of plans, which is nearly always the next one too. */
  #joined: JoinedPlan | undefined;

  constructor(admission: ReadyRouter, onward: ReadyRouter) {
    this.#admission = admission;
    this.#onward = onward;
  }

  route(exchange: Exchange): Plan | Fault {
    const admission = this.#admission.route(exchange);
    if (admission instanceof Fault) return admission;
    const onward = this.#onward.route(exchange);
    if (onward instanceof Fault) return onward;
    if (this.#joined?.admission !== admission || this.#joined.onward !== onward)
      this.#joined = new JoinedPlan(admission, onward);
    return this.#joined;
  }
}

/** What the port's policy does to a request, then what its way onwards does; bounds and retries are the latter's. */
class JoinedPlan implements Plan {
  readonly admission: Plan;
  readonly onward: Plan;

  constructor(admission: Plan, onward: Plan) {
    this.admission = admission;
    this.onward = onward;
  }

  get timeouts(): Plan['timeouts'] {
    return this.onward.timeouts;
  }
  get retry(): Plan['retry'] {
    return this.onward.retry;
  }
  get allowsRequestHeaders(): boolean {
    return this.onward.allowsRequestHeaders;
  }

  retried(what: Parameters<NonNullable<Plan['retried']>>[0]): void {
    this.onward.retried?.(what);
  }

  dispatch(exchange: Exchange): Fault | undefined {
    return this.admission.dispatch(exchange) ?? this.onward.dispatch(exchange);
  }
}
