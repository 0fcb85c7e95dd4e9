import { Fault } from '#model/faults';
import type { Log } from '#runtime/log';
import type { Random } from '#runtime/random';
import type { Http1Head } from '#wire/http1';
import type { Authorization, InboundRoute, ServerPolicy } from '../discover/index.ts';
import type { Exchange, RequestScope, Router, Upstream } from '../http/index.ts';
import { applyFilters, findRoute, HeadView, matchesEverything } from '../routes/index.ts';
import { authorize, type ClientTls } from './authorize.ts';

/** What the router tells to be counted. */
export interface AuthzCounts {
  allow(route: InboundRoute, authorization: Authorization): { count(): void; scopes: readonly RequestScope[] };
  deny(route: InboundRoute): void;
  notFound(): void;
}

export interface InboundRouterOptions {
  readonly policy: () => ServerPolicy;
  readonly ip: Uint8Array;
  readonly tls: ClientTls;
  readonly app: Upstream;
  /** Made anew for each policy, whose names are labels. */
  readonly counts: (policy: ServerPolicy) => AuthzCounts;
  readonly log: Log;
  readonly random: Random;
}

interface Allowed {
  readonly count: () => void;
  readonly scopes: readonly RequestScope[];
  readonly audit: boolean;
}

const NO_COUNTS: AuthzCounts = {
  allow: () => ({ count: () => undefined, scopes: [] }),
  deny: () => undefined,
  notFound: () => undefined,
};

const NO_LINES: readonly Buffer[] = [];

/**
 * Decides about the requests of one client connection by the port's policy: a route must match, then some authorization of the
 * route or of the port must admit the client. Decisions are kept until the policy changes.
 */
export class InboundRouter implements Router {
  readonly #options: InboundRouterOptions;
  readonly #lines: readonly Buffer[];
  #counts: AuthzCounts = NO_COUNTS;
  #policy: ServerPolicy | undefined;
  #only: InboundRoute | undefined;
  #decisions = new Map<InboundRoute, Allowed | Fault>();

  constructor(options: InboundRouterOptions) {
    this.#options = options;
    const { identity } = options.tls;
    this.#lines = identity === undefined ? NO_LINES : [Buffer.from(`l5d-client-id: ${identity}\r\n`, 'latin1')];
  }

  route(exchange: Exchange, head: Http1Head): Fault | undefined {
    const policy = this.#options.policy();
    if (policy !== this.#policy) this.#take(policy);
    if (policy.invalid !== undefined) return new Fault('invalid-policy', policy.invalid);
    const view = this.#only ? undefined : new HeadView(head);
    const routed = view && findRoute<object, InboundRoute>(policy.routes, view);
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
    decision.count();
    if (decision.audit) this.#options.log.info('Request allowed', { route: route.meta.name, policy: policy.meta.name });
    exchange.scopes.push(...decision.scopes);
    if (routed && view && routed.rule.filters.length > 0) {
      const { fault, request } = applyFilters(routed.rule.filters, view, routed.match, this.#options.random);
      if (fault) return inboundFault(fault);
      exchange.requestPatch = request;
    }
    exchange.extra = this.#lines;
    exchange.upstream = this.#options.app;
    return undefined;
  }

  #take(policy: ServerPolicy): void {
    this.#policy = policy;
    this.#counts = this.#options.counts(policy);
    const [first] = policy.routes;
    this.#only = matchesEverything(policy.routes) && first?.rules[0]?.filters.length === 0 ? first : undefined;
    this.#decisions = new Map();
  }

  #decide(policy: ServerPolicy, route: InboundRoute): Allowed | Fault {
    const { ip, tls } = this.#options;
    const admitted = authorize([...route.authorizations, ...policy.authorizations], ip, tls);
    const decision = admitted
      ? {
          ...this.#counts.allow(route, admitted),
          audit: admitted.meta.kind === 'default' && admitted.meta.name === 'audit',
        }
      : new Fault('unauthorized');
    this.#decisions.set(route, decision);
    return decision;
  }
}

/** Failures injected inbound are plain 500s, as in Linkerd. */
function inboundFault(fault: Fault): Fault {
  if (fault.code === 'injected') fault.status = undefined;
  return fault;
}
