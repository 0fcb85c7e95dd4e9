import { Fault } from '#model/faults';
import {
  type HttpMatch,
  type OutboundHttpRoute,
  type OutboundRule,
  profileHolds,
  type RequestCondition,
} from '../discover/index.ts';
import type { Exchange, Plan } from '../http/index.ts';
import { findRoute, HeadView, matchesEverything } from '../routes/index.ts';
import type { OutboundPlan } from './plan.ts';

/** Which plan requests take; it also names their route in metrics. */
export interface Routing {
  route(exchange: Exchange): Plan | Fault;
}

/** By the routes of a policy. */
export class PolicyRouting implements Routing {
  readonly #routes: readonly OutboundHttpRoute[];
  readonly #plans: ReadonlyMap<OutboundRule, OutboundPlan>;
  /** Set when every request takes it, with the match that takes it. */
  readonly #only: { readonly plan: OutboundPlan; readonly match: HttpMatch | undefined } | undefined;

  constructor(routes: readonly OutboundHttpRoute[], plans: ReadonlyMap<OutboundRule, OutboundPlan>) {
    this.#routes = routes;
    this.#plans = plans;
    const rule = matchesEverything(routes) ? routes[0]?.rules[0] : undefined;
    const plan = rule && plans.get(rule);
    this.#only = plan && { plan, match: rule.matches[0] };
  }

  route(exchange: Exchange): Plan | Fault {
    if (this.#only) {
      exchange.match = this.#only.match;
      return this.#only.plan.taken(exchange);
    }
    const routed = findRoute<OutboundRule, OutboundHttpRoute>(this.#routes, new HeadView(exchange.request));
    const plan = routed && this.#plans.get(routed.rule);
    if (!plan) return new Fault('route-not-found');
    exchange.match = routed.match;
    return plan.taken(exchange);
  }
}

/** By the routes of a profile: the first whose condition holds, else the one for all others. */
export class ProfileRouting implements Routing {
  readonly #routes: readonly { readonly condition: RequestCondition; readonly plan: OutboundPlan }[];
  readonly #others: OutboundPlan;

  constructor(
    routes: readonly { readonly condition: RequestCondition; readonly plan: OutboundPlan }[],
    others: OutboundPlan,
  ) {
    this.#routes = routes;
    this.#others = others;
  }

  route(exchange: Exchange): Plan | Fault {
    if (this.#routes.length === 0) return this.#others.taken(exchange);
    const { method, path } = new HeadView(exchange.request);
    const found = this.#routes.find(({ condition }) => profileHolds(condition, method, path));
    return (found?.plan ?? this.#others).taken(exchange);
  }
}

/** A policy that cannot be used answers every request with why. */
export class RefusingRouting implements Routing {
  readonly #reason: string;

  constructor(reason: string) {
    this.#reason = reason;
  }

  route(): Fault {
    return new Fault('invalid-policy', this.#reason);
  }
}
