import type { AdminRequest, AdminResponse } from '#runtime/admin';
import type { Clock } from '#runtime/clock';
import type { InboundRoute, ServerPolicy } from '../discover/index.ts';
import { Outcome, type RequestScope } from '../http/index.ts';
import { type AuthzCounts, authorize, type ClientTls, type InboundMetrics, type PortPolicy } from '../inbound/index.ts';
import { findRoute, hostOf, type RequestView } from '../routes/index.ts';
import type { TlsLabels } from '../telemetry/index.ts';

export interface AdminClient {
  readonly ip: Uint8Array;
  readonly tls: ClientTls;
  readonly tlsLabels: TlsLabels;
  readonly dst: { readonly ip: string; readonly port: number };
}

type Decision =
  | { readonly response: AdminResponse }
  | { readonly count: () => void; readonly scopes: readonly RequestScope[] };

const NO_SCOPES: readonly RequestScope[] = [];

/** Lets the requests of one connection through as the policy of the admin port says, route by route, and counts them. */
export class AdminGuard {
  readonly #policy: PortPolicy;
  readonly #client: AdminClient;
  readonly #metrics: InboundMetrics;
  readonly #clock: Clock;
  readonly #outcome = new Outcome();
  #taken: ServerPolicy | undefined;
  #counts: (AuthzCounts & { release: () => void }) | undefined;
  #decisions = new Map<InboundRoute, Decision>();
  #scopes = NO_SCOPES;

  constructor(policy: PortPolicy, client: AdminClient, metrics: InboundMetrics, clock: Clock) {
    this.#policy = policy;
    this.#client = client;
    this.#metrics = metrics;
    this.#clock = clock;
  }

  /** The answer of a refusal; undefined: go on. */
  check(request: AdminRequest): AdminResponse | undefined {
    this.#scopes = NO_SCOPES;
    const policy = this.#policy.current;
    if (policy.invalid !== undefined) return { status: 500, body: 'invalid policy\n' };
    const counts = this.#countsOf(policy);
    const route = findRoute<object, InboundRoute>(policy.routes, viewOf(request))?.route;
    if (!route) {
      counts.notFound();
      return { status: 404 };
    }
    const decision = this.#decisions.get(route) ?? this.#decide(policy, route, counts);
    if ('response' in decision) {
      counts.deny(route);
      return decision.response;
    }
    decision.count();
    this.#scopes = decision.scopes;
    this.#outcome.begin(this.#clock.nowMs());
    for (const scope of this.#scopes) scope.started();
    return undefined;
  }

  answered(status: number): void {
    const nowMs = this.#clock.nowMs();
    this.#outcome.status = status;
    this.#outcome.responseStartMs = nowMs;
    this.#outcome.endMs = nowMs;
    for (const scope of this.#scopes) scope.ended(this.#outcome);
  }

  /** The connection is over. */
  release(): void {
    this.#counts?.release();
    this.#policy.release();
  }

  #countsOf(policy: ServerPolicy): AuthzCounts {
    if (this.#counts && policy === this.#taken) return this.#counts;
    const { dst, tlsLabels: tls } = this.#client;
    this.#counts?.release();
    this.#counts = this.#metrics.requests({ dst, tls, server: policy.meta, kind: 'own' });
    this.#taken = policy;
    this.#decisions = new Map();
    return this.#counts;
  }

  #decide(policy: ServerPolicy, route: InboundRoute, counts: AuthzCounts): Decision {
    const { ip, tls } = this.#client;
    const admitted = authorize([...route.authorizations, ...policy.authorizations], ip, tls);
    const decision = admitted ? counts.allow(route, admitted) : FORBIDDEN;
    this.#decisions.set(route, decision);
    return decision;
  }
}

const FORBIDDEN: Decision = { response: { status: 403, body: 'unauthorized request on route\n' } };

function viewOf({ method, path, query, headers }: AdminRequest): RequestView {
  return {
    method,
    path,
    host: hostOf(headers.get('host') ?? ''),
    query: (name) => new URLSearchParams(query).get(name) ?? undefined,
    header: (name) => headers.get(name),
  };
}
