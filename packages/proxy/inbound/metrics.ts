import type { ProxyMetrics } from '#model/metrics';
import type { Counter, LabelsOf } from '#runtime/metrics';
import type { Authorization, InboundRoute, Meta } from '../discover/index.ts';
import {
  Bindings,
  ByName,
  EndpointScope,
  InboundRouteScope,
  type Metrics,
  type RouteKind,
  routeLabels,
  ScopeCache,
  serverLabels,
  TcpCounters,
  type TlsLabels,
  targetLabels,
} from '../telemetry/index.ts';
import type { AuthzCounts } from './router.ts';

/** Where a client connection goes and how it came. */
export interface InboundLabels {
  readonly dst: { readonly ip: string; readonly port: number };
  readonly tls: TlsLabels;
  readonly server: Meta;
  /** Of the port's policy; `own`: pages of the proxy itself, which no application's figures contain. */
  readonly kind?: RouteKind | 'own';
}

type AllowLabels = LabelsOf<ProxyMetrics, 'inbound_http_authz_allow_total'>;

/** What counts the requests that one authorization let through on one route. */
class Allowed {
  readonly #bindings: Bindings;
  readonly #requests: Counter;
  readonly #endpoint: EndpointScope;
  readonly #byAuthority: ByName<EndpointScope>;

  constructor(metrics: Metrics, labels: AllowLabels) {
    const all = { direction: 'inbound', ...labels };
    this.#bindings = new Bindings(metrics);
    this.#requests = this.#bindings.counter('inbound_http_authz_allow_total', labels);
    this.#endpoint = new EndpointScope(metrics, all);
    this.#byAuthority = new ByName((authority) => new EndpointScope(metrics, { ...all, authority }));
  }

  count(): void {
    this.#requests.inc();
  }

  endpoint(authority: string | undefined): EndpointScope {
    return authority === undefined ? this.#endpoint : this.#byAuthority.get(authority);
  }

  release(): void {
    this.#bindings.release();
    this.#endpoint.release();
    this.#byAuthority.release();
  }
}

/** The inbound metrics, shared by all connections with the same labels. */
export class InboundMetrics {
  readonly #metrics: Metrics;
  readonly #tcp = new ScopeCache<TcpCounters>();
  readonly #allowed = new ScopeCache<Allowed>();
  readonly #routes = new ScopeCache<InboundRouteScope>();
  readonly #authorities: boolean;

  /** `authorities`: requests are counted apart by the authority that they name, which clients choose. */
  constructor(metrics: Metrics, authorities = false) {
    this.#metrics = metrics;
    this.#authorities = authorities;
  }

  /** Connections from clients. Call `release` when the connection is over. */
  source(labels: InboundLabels): { scope: TcpCounters; release: () => void } {
    const key = JSON.stringify(labels);
    const scope = this.#tcp.hold(
      key,
      () =>
        new TcpCounters(this.#metrics, {
          direction: 'inbound',
          peer: 'src',
          ...targetLabels(labels.dst.ip, labels.dst.port),
          ...labels.tls,
          ...serverLabels(labels.server, labels.dst.port),
        }),
    );
    return { scope, release: () => this.#tcp.release(key) };
  }

  /** Connections to the application, whatever its port: Linkerd does not tell these apart. */
  app(): { scope: TcpCounters; release: () => void } {
    const labels = { direction: 'inbound', peer: 'dst', tls: 'no_identity', no_tls_reason: 'loopback' };
    const scope = this.#tcp.hold('app', () => new TcpCounters(this.#metrics, labels));
    return { scope, release: () => this.#tcp.release('app') };
  }

  /** What one connection's requests are counted by; `release` when the connection is over. */
  requests(labels: InboundLabels): AuthzCounts & { release: () => void } {
    const held: (() => void)[] = [];
    const common = {
      ...targetLabels(labels.dst.ip, labels.dst.port),
      ...labels.tls,
      ...serverLabels(labels.server, labels.dst.port),
    };
    return {
      allow: (route, authorization) => {
        const all = { ...common, ...routeLabels(route.meta), ...authzLabels(authorization) };
        const key = JSON.stringify(all);
        held.push(() => this.#allowed.release(key));
        const allowed = this.#allowed.hold(key, () => new Allowed(this.#metrics, all));
        const byRoute = this.#byRoute(labels, route, held);
        return {
          count: () => allowed.count(),
          scopes: [allowed.endpoint(undefined), ...byRoute],
          ...(this.#authorities && { scopesFor: (authority) => [allowed.endpoint(authority), ...byRoute] }),
        };
      },
      deny: (route) => this.#metrics.count('inbound_http_authz_deny_total', { ...common, ...routeLabels(route.meta) }),
      notFound: () => this.#metrics.count('inbound_http_route_not_found_total', common),
      limited: (limit, ratelimit_scope) =>
        this.#metrics.count('inbound_http_local_ratelimit_total', {
          ...serverLabels(labels.server, labels.dst.port),
          ratelimit_group: limit.group,
          ratelimit_kind: limit.kind,
          ratelimit_name: limit.name,
          ratelimit_scope,
        }),
      release: () => {
        for (const release of held) release();
      },
    };
  }

  #byRoute(labels: InboundLabels, route: InboundRoute, held: (() => void)[]): InboundRouteScope[] {
    const { kind, server, dst } = labels;
    if (kind === 'own') return [];
    const key = JSON.stringify([server, dst.port, route.meta, kind]);
    held.push(() => this.#routes.release(key));
    return [this.#routes.hold(key, () => new InboundRouteScope(this.#metrics, parentAndRoute(labels, route), kind))];
  }

  tcp(labels: InboundLabels) {
    const common = {
      ...targetLabels(labels.dst.ip, labels.dst.port),
      ...labels.tls,
      ...serverLabels(labels.server, labels.dst.port),
    };
    return {
      allow: (authorization: Authorization) =>
        this.#metrics.count('inbound_tcp_authz_allow_total', { ...common, ...authzLabels(authorization) }),
      deny: () => this.#metrics.count('inbound_tcp_authz_deny_total', common),
      terminate: () => this.#metrics.count('inbound_tcp_authz_terminate_total', common),
    };
  }

  detected(server: Meta, port: number, result: string, seconds: number): void {
    const srv = serverLabels(server, port);
    this.#metrics.count('inbound_tcp_detect_http_results_total', { result, ...srv });
    this.#metrics.observe('inbound_tcp_detect_http_duration_seconds', srv, seconds);
  }

  transportHeader(header: { port: number; name: string; session: string | undefined }, clientId: string): void {
    this.#metrics.count('inbound_tcp_transport_header_connections_total', {
      session_protocol: header.session ?? '',
      target_port: String(header.port),
      target_name: header.name,
      client_id: clientId,
    });
  }
}

function authzLabels({ meta }: Authorization) {
  return { authz_group: meta.group, authz_kind: meta.kind, authz_name: meta.name };
}

function parentAndRoute({ server, dst }: InboundLabels, route: InboundRoute) {
  return {
    parent_group: server.group,
    parent_kind: server.kind,
    parent_name: server.name,
    parent_port: String(dst.port),
    ...routeLabels(route.meta),
  };
}
