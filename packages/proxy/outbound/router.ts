import { Fault } from '#model/faults';
import type { Random } from '#runtime/random';
import type { Http1Head } from '#wire/http1';
import type { HttpFilter, OutboundHttpRoute, OutboundRule } from '../discover/index.ts';
import type { Exchange, Router } from '../http/index.ts';
import { applyFilters, findRoute, HeadView } from '../routes/index.ts';
import { type Compiled, type CompiledRule, choose } from './compile.ts';
import type { Target } from './targets.ts';

/** Sends the requests of one connection where the policy of its original destination says, as it is at each request. */
export class OutboundRouter implements Router {
  readonly #target: Target;
  readonly #random: Random;

  constructor(target: Target, random: Random) {
    this.#target = target;
    this.#random = random;
  }

  route(exchange: Exchange, head: Http1Head): Fault | undefined {
    const compiled = this.#target.current;
    if (!compiled || compiled.policy.invalid !== undefined)
      return new Fault('invalid-policy', compiled?.policy.invalid);
    const rule = compiled.only ?? find(compiled, head);
    if (!rule) return new Fault('route-not-found');
    exchange.scopes.push(rule.scope);
    if (rule.filters.length > 0) {
      const fault = this.#filter(exchange, head, compiled, rule.filters);
      if (fault) return fault;
    }
    const choice = choose(rule, this.#random);
    if (!choice) return new Fault('load-shed', 'no backend is available');
    exchange.scopes.push(choice.scope);
    if (choice.filters.length > 0) {
      const fault = this.#filter(exchange, head, compiled, [...rule.filters, ...choice.filters]);
      if (fault) return fault;
    }
    if (!choice.held) return new Fault('no-backend');
    exchange.upstream = choice.held.backend;
    return undefined;
  }

  #filter(exchange: Exchange, head: Http1Head, compiled: Compiled, filters: readonly HttpFilter[]): Fault | undefined {
    const view = new HeadView(head);
    const routed = findRoute<OutboundRule, OutboundHttpRoute>(compiled.policy.http1.routes, view);
    const { fault, request, response } = applyFilters(filters, view, routed?.match, this.#random);
    exchange.requestPatch = request;
    exchange.responsePatch = response;
    return fault;
  }
}

function find(compiled: Compiled, head: Http1Head): CompiledRule | undefined {
  const routed = findRoute<OutboundRule, OutboundHttpRoute>(compiled.policy.http1.routes, new HeadView(head));
  return routed && compiled.rules.get(routed.rule);
}
