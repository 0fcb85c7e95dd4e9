import { Fault } from '#model/faults';
import type { OutboundHttpRoute, OutboundRule } from '../discover/index.ts';
import type { Exchange, Plan, Router } from '../http/index.ts';
import { findRoute, HeadView } from '../routes/index.ts';
import type { Target } from './targets.ts';

/** Sends the requests of one connection where the policy of its original destination says, as it is at each request. */
export class OutboundRouter implements Router {
  readonly #target: Pick<Target, 'current'>;

  constructor(target: Pick<Target, 'current'>) {
    this.#target = target;
  }

  route(exchange: Exchange): Plan | Fault {
    const compiled = this.#target.current;
    if (!compiled || compiled.policy.invalid !== undefined)
      return new Fault('invalid-policy', compiled?.policy.invalid);
    const isHttp2 = exchange.request.version === 20;
    const only = isHttp2 ? compiled.onlyHttp2 : compiled.onlyHttp1;
    if (only) {
      exchange.match = only.match;
      exchange.scopes.push(only.scope);
      return only;
    }
    const { routes } = isHttp2 ? compiled.policy.http2 : compiled.policy.http1;
    const routed = findRoute<OutboundRule, OutboundHttpRoute>(routes, new HeadView(exchange.request));
    const plan = routed && compiled.rules.get(routed.rule);
    if (!plan) return new Fault('route-not-found');
    exchange.match = routed.match;
    exchange.scopes.push(plan.scope);
    return plan;
  }
}
