import { pickWeighted } from '#model/balance';
import { Fault } from '#model/faults';
import type { Random } from '#runtime/random';
import type { Backend, Distribution, HttpFilter, HttpMatch } from '../discover/index.ts';
import type { Exchange, Plan, RequestScope, RetryEvent, RetryPlan, Timeouts, Upstream } from '../http/index.ts';
import { applyFilters, type FilterDeps } from '../routes/index.ts';
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
  /** The match of requests that need not be compared, because all come this way. */
  readonly match: HttpMatch | undefined;
  readonly filters: readonly HttpFilter[];
  readonly scope: RequestScope;
  readonly timeouts: Timeouts | undefined;
  readonly retry: RetryPlan | undefined;
  readonly allowsRequestHeaders: boolean;
  /** Where the copies of mirror filters go. */
  readonly mirrors: ReadonlyMap<Backend, Upstream>;
  readonly retried?: ((what: RetryEvent) => void) | undefined;
}

/** What a rule does with its requests: at each attempt its filters, a backend by its distribution, the backend's filters. */
export class OutboundPlan implements Plan {
  readonly scope: RequestScope;
  readonly timeouts: Timeouts | undefined;
  readonly retry: RetryPlan | undefined;
  readonly allowsRequestHeaders: boolean;
  readonly kind: Distribution['kind'];
  readonly choices: readonly HttpChoice[];
  readonly match: HttpMatch | undefined;
  readonly #options: OutboundPlanOptions;
  readonly #mirrorOf = (backend: Backend): Upstream | undefined => this.#options.mirrors.get(backend);

  constructor(options: OutboundPlanOptions) {
    this.#options = options;
    this.scope = options.scope;
    this.timeouts = options.timeouts;
    this.retry = options.retry;
    this.allowsRequestHeaders = options.allowsRequestHeaders;
    this.kind = options.kind;
    this.match = options.match;
    this.choices = options.choices;
  }

  retried(what: RetryEvent): void {
    this.#options.retried?.(what);
  }

  dispatch(exchange: Exchange): Fault | undefined {
    const fault = this.#filter(this.#options.filters, exchange);
    if (fault) return fault;
    const choice = choose(this, exchange.random);
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

/** The backend for one request or connection; undefined: none is available. */
export function choose<C extends Choice<{ readonly available: boolean }>>(
  rule: { readonly kind: Distribution['kind']; readonly choices: readonly C[] },
  random: Random,
): C | undefined {
  const { choices } = rule;
  if (rule.kind === 'empty') return undefined;
  if (choices.length === 1) return choices[0];
  const available = choices.filter((choice) => choice.held?.backend.available ?? true);
  if (rule.kind === 'first') return available[0];
  return available[
    pickWeighted(
      available.map((choice) => choice.weight),
      random,
    )
  ];
}
