import { Fault } from '#model/faults';
import { RateLimiter } from '#model/rate-limit';
import type { Fields, Log } from '#runtime/log';
import { Field } from '#wire/fields';
import type {
  Authorization,
  HttpFilter,
  InboundRoute,
  Meta,
  RateLimitPolicy,
  ServerPolicy,
} from '../discover/index.ts';
import { type Exchange, NAMES, type Plan, type RequestScope, type Router, type Upstream } from '../http/index.ts';
import { findRoute, HeadView, matchesEverything } from '../routes/index.ts';
import { auditFields, clientFields } from './audit.ts';
import { authorize, type ClientTls } from './authorize.ts';
import { InboundPlan, type RateLimit } from './plan.ts';

/** What counts the requests that an authorization let through. */
export interface AllowedCounts {
  count(): void;
  readonly scopes: readonly RequestScope[];
  /** In place of `scopes`, where requests are counted apart by authority. */
  scopesFor?(authority: string): readonly RequestScope[];
}

/** What the router tells to be counted. */
export interface AuthzCounts {
  allow(route: InboundRoute, authorization: Authorization): AllowedCounts;
  deny(route: InboundRoute): void;
  notFound(): void;
  /** A rate limit refused a request. */
  limited(limit: Meta, scope: 'total' | 'identity'): void;
}

export interface InboundRouterOptions {
  readonly policy: () => ServerPolicy;
  readonly ip: Uint8Array;
  /** The same as text. */
  readonly addr: string;
  readonly tls: ClientTls;
  /** Undefined where another router says where to. */
  readonly app: Upstream | undefined;
  /** Made anew for each policy, whose names are labels. */
  readonly counts: (policy: ServerPolicy) => AuthzCounts;
  readonly log: Log;
}

interface Allowed {
  readonly counts: AllowedCounts;
  /** What the log says of each request; undefined: nothing. */
  readonly audit: Fields | undefined;
}

type Rule = InboundRoute['rules'][number];

const NO_COUNTS: AuthzCounts = {
  allow: () => ({ count: () => undefined, scopes: [] }),
  deny: () => undefined,
  notFound: () => undefined,
  limited: () => undefined,
};

const NO_FILTERS: readonly HttpFilter[] = [];
const CLIENT_ID = 'l5d-client-id';

/**
 * Decides about the requests of one client connection by the port's policy: a route must match, then some authorization of the
 * route or of the port must admit the client. Decisions are kept until the policy changes.
 */
export class InboundRouter implements Router {
  readonly #options: InboundRouterOptions;
  readonly #clientId: Field | undefined;
  #counts: AuthzCounts = NO_COUNTS;
  #policy: ServerPolicy | undefined;
  #only: InboundRoute | undefined;
  #decisions = new Map<InboundRoute, Allowed | Fault>();
  #plans = new Map<Rule | undefined, Plan>();

  constructor(options: InboundRouterOptions) {
    this.#options = options;
    const { identity } = options.tls;
    this.#clientId = identity === undefined ? undefined : new Field(NAMES.idOf(CLIENT_ID), CLIENT_ID, identity);
  }

  route(exchange: Exchange): Plan | Fault {
    const policy = this.#options.policy();
    if (policy !== this.#policy) this.#take(policy);
    if (policy.invalid !== undefined) return new Fault('invalid-policy', policy.invalid);
    const routed = this.#only
      ? undefined
      : findRoute<object, InboundRoute>(policy.routes, new HeadView(exchange.request));
    const route = this.#only ?? routed?.route;
    if (!route) {
      this.#counts.notFound();
      return new Fault('route-not-found');
    }
    const decision = this.#decisions.get(route) ?? this.#decide(policy, route);
    if (decision instanceof Fault) {
      this.#counts.deny(route);
      return decision;
    }
    const { counts } = decision;
    counts.count();
    if (decision.audit) this.#options.log.info('Request allowed', decision.audit);
    const scopes = counts.scopesFor ? counts.scopesFor(exchange.request.authority) : counts.scopes;
    for (let i = 0; i < scopes.length; i++) exchange.scopes.push(scopes[i]!);
    exchange.match = routed?.match;
    return this.#plans.get(routed?.rule) ?? this.#plan(policy, routed?.rule);
  }

  #take(policy: ServerPolicy): void {
    this.#policy = policy;
    this.#counts = this.#options.counts(policy);
    const [first] = policy.routes;
    this.#only = matchesEverything(policy.routes) && first?.rules[0]?.filters.length === 0 ? first : undefined;
    this.#decisions = new Map();
    this.#plans = new Map();
  }

  #decide(policy: ServerPolicy, route: InboundRoute): Allowed | Fault {
    const { ip, tls, addr } = this.#options;
    const admitted = authorize([...route.authorizations, ...policy.authorizations], ip, tls);
    const asks = { server: policy.meta, route: route.meta, tls, addr };
    // Once for a connection and its policy: whoever refuses many requests is not to be kept busy by telling of them.
    if (!admitted) this.#options.log.info('Request denied', clientFields(asks));
    const decision = admitted
      ? {
          counts: this.#counts.allow(route, admitted),
          audit: auditFields({ ...asks, authorization: admitted }),
        }
      : new Fault('unauthorized');
    this.#decisions.set(route, decision);
    return decision;
  }

  #plan(policy: ServerPolicy, rule: Rule | undefined): Plan {
    const counts = this.#counts;
    const plan = new InboundPlan({
      app: this.#options.app,
      filters: rule?.filters ?? NO_FILTERS,
      clientId: this.#clientId,
      rateLimit: policy.rateLimit && rateLimitOf(policy.rateLimit),
      limited: (limit, scope) => counts.limited(limit, scope),
    });
    this.#plans.set(rule, plan);
    return plan;
  }
}

/** One limiter a policy, whatever the number of connections. */
const LIMITS_OF = new WeakMap<RateLimitPolicy, RateLimit>();

function rateLimitOf(policy: RateLimitPolicy): RateLimit {
  let limit = LIMITS_OF.get(policy);
  if (!limit) {
    const limiter = new RateLimiter(policy);
    limit = { meta: policy.meta, check: (identity, nowMs) => limiter.check(identity, nowMs) };
    LIMITS_OF.set(policy, limit);
  }
  return limit;
}
