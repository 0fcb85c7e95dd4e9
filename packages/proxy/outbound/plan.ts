import { pickWeighted } from '#model/balance';
import type { ResponseClasses } from '#model/classify';
import { Fault } from '#model/faults';
import type { Random } from '#runtime/random';
import type { Backend, Distribution, HttpFilter } from '../discover/index.ts';
import type { Exchange, Plan, RequestScope, RetryEvent, RetryPlan, Timeouts, Upstream } from '../http/index.ts';
import { applyFilters, type FilterDeps, hostOf } from '../routes/index.ts';
import type { Held, HttpBackend } from './backends.ts';

/** One backend of a rule; without `held` it leads nowhere. */
export interface Choice<T> {
  readonly held: Held<T> | undefined;
  readonly weight: number;
}

export interface HttpChoice extends Choice<HttpBackend> {
  readonly scope: RequestScope;
  readonly filters: readonly HttpFilter[];
}

/** A rule of a route with its backends opened and its metrics bound. */
export interface OutboundPlanOptions {
  readonly kind: Distribution['kind'];
  readonly choices: readonly HttpChoice[];
  readonly filters: readonly HttpFilter[];
  /** What counts requests of the route; `host`: lower case, '' unknown. */
  readonly scope: (host: string) => RequestScope;
  /** Metrics tell requests apart by host. */
  readonly byHost: boolean;
  /** What the route calls a failure; undefined: the usual. */
  readonly classes?: Pick<ResponseClasses, 'isFailure'> | undefined;
  readonly timeouts: Timeouts | undefined;
  readonly retry: RetryPlan | undefined;
  readonly allowsRequestHeaders: boolean;
  /** Where the copies of mirror filters go. */
  readonly mirrors: ReadonlyMap<Backend, Upstream>;
  readonly retried: (what: RetryEvent) => void;
}

/** What a rule does with its requests: at each attempt its filters, a backend by its distribution, the backend's filters. */
export class OutboundPlan implements Plan {
  readonly timeouts: Timeouts | undefined;
  readonly retry: RetryPlan | undefined;
  readonly allowsRequestHeaders: boolean;
  readonly #options: OutboundPlanOptions;
  readonly #scope: RequestScope | undefined;
  readonly #mirrorOf = (backend: Backend): Upstream | undefined => this.#options.mirrors.get(backend);

  constructor(options: OutboundPlanOptions) {
    this.#options = options;
    this.#scope = options.byHost ? undefined : options.scope('');
    this.timeouts = options.timeouts;
    this.retry = options.retry;
    this.allowsRequestHeaders = options.allowsRequestHeaders;
  }

  /** A request takes this way: its outcome is told and judged as the route says. */
  taken(exchange: Exchange): this {
    exchange.scopes.push(this.#scope ?? this.#options.scope(hostOf(exchange.request.authority)));
    exchange.outcome.classes = this.#options.classes;
    return this;
  }

  retried(what: RetryEvent): void {
    this.#options.retried(what);
  }

  dispatch(exchange: Exchange): Fault | undefined {
    const fault = this.#filter(this.#options.filters, exchange);
    if (fault) return fault;
    const choice = choose(this.#options, exchange.random);
    if (!choice) return new Fault('load-shed', 'no backend is available');
    exchange.scopes.push(choice.scope);
    const refused = this.#filter(choice.filters, exchange);
    if (refused) return refused;
    if (!choice.held) return new Fault('no-backend');
    exchange.upstream = choice.held.backend;
    return undefined;
  }

  #filter(filters: readonly HttpFilter[], exchange: Exchange): Fault | undefined {
    if (filters.length === 0) return undefined;
    const deps: FilterDeps = { random: exchange.random, mirrorOf: this.#mirrorOf };
    return applyFilters(filters, exchange, deps);
  }
}

/**
 * The backend for one request or connection, among those that have a ready endpoint; where none has, among those that let wait for one.
 * Undefined: none is available.
 */
export function choose<C extends Choice<{ readonly ready: boolean; readonly available: boolean }>>(
  rule: { readonly kind: Distribution['kind']; readonly choices: readonly C[] },
  random: Random,
): C | undefined {
  const { choices } = rule;
  if (rule.kind === 'empty') return undefined;
  if (choices.length === 1) return choices[0];
  const ready = choices.filter((choice) => choice.held?.backend.ready ?? true);
  const available = ready.length > 0 ? ready : choices.filter((choice) => choice.held?.backend.available ?? true);
  if (rule.kind === 'first') return available[0];
  return available[
    pickWeighted(
      available.map((choice) => choice.weight),
      random,
    )
  ];
}
