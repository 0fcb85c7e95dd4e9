import { Fault } from '#model/faults';
import type { Field } from '#wire/fields';
import type { HttpFilter, Meta } from '../discover/index.ts';
import type { Exchange, Plan, Upstream } from '../http/index.ts';
import { applyFilters, type FilterDeps } from '../routes/index.ts';

/** Refuses requests past a rate. */
export interface RateLimit {
  readonly meta: Meta;
  /** `ok`, or whose limit was passed. */
  check(identity: string | undefined, nowMs: number): 'ok' | 'total' | 'identity';
}

export interface InboundPlanOptions {
  /** Undefined where another plan says where to. */
  readonly app: Upstream | undefined;
  readonly filters: readonly HttpFilter[];
  /** Says who the client is; undefined: not known. */
  readonly clientId: Field | undefined;
  readonly rateLimit: RateLimit | undefined;
  /** A request was refused by the limit. */
  readonly limited: (limit: Meta, scope: 'total' | 'identity') => void;
}

/** What becomes of requests that a rule of a port's route admits: filters, the rate limit, then the application, once. */
export class InboundPlan implements Plan {
  readonly timeouts = undefined;
  readonly retry = undefined;
  readonly allowsRequestHeaders = false;
  readonly #options: InboundPlanOptions;

  constructor(options: InboundPlanOptions) {
    this.#options = options;
  }

  dispatch(exchange: Exchange): Fault | undefined {
    const { app, clientId, filters, rateLimit, limited } = this.#options;
    if (filters.length > 0) {
      const deps: FilterDeps = { random: exchange.random, mirrorOf: nowhere };
      const fault = applyFilters(filters, exchange, deps);
      if (fault) return inboundFault(fault);
    }
    if (rateLimit) {
      const verdict = rateLimit.check(exchange.client.identity, exchange.clock.nowMs());
      if (verdict !== 'ok') {
        limited(rateLimit.meta, verdict);
        return new Fault('rate-limited');
      }
    }
    if (clientId) exchange.request.fields.push(clientId);
    exchange.upstream = app;
    return undefined;
  }
}

/** Inbound routes lead to the application and nowhere else. */
function nowhere(): undefined {
  return undefined;
}

/** Failures injected inbound are plain 500s, as in Linkerd. */
function inboundFault(fault: Fault): Fault {
  if (fault.code === 'injected') {
    fault.status = undefined;
    fault.grpc = undefined;
  }
  return fault;
}
