import { Fault } from '#model/faults';
import type { Exchange, Plan, Router } from '../http/index.ts';
import type { Target } from './discovery.ts';

/** Sends requests where the policy of a target says, as it is at each request. */
export class OutboundRouter implements Router {
  readonly #target: Pick<Target, 'current' | 'refused'>;

  constructor(target: Pick<Target, 'current' | 'refused'>) {
    this.#target = target;
  }

  route(exchange: Exchange): Plan | Fault {
    const { current, refused } = this.#target;
    if (!current) return refused ?? new Fault('invalid-policy', 'nothing is known of the destination');
    return (exchange.request.version === 20 ? current.http2 : current.http1).route(exchange);
  }
}
