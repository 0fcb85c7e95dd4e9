import type { Authorization, InboundRoute, Meta } from '../discover/index.ts';
import {
  EndpointScope,
  InboundRouteScope,
  type Metrics,
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
}

/** The inbound metrics, shared by all connections with the same labels. */
export class InboundMetrics {
  readonly #metrics: Metrics;
  readonly #tcp = new ScopeCache<TcpCounters>();
  readonly #endpoints = new ScopeCache<EndpointScope>();
  readonly #routes = new ScopeCache<InboundRouteScope>();

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
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

  /** Connections to the application. */
  app(dst: { ip: string; port: number }): { scope: TcpCounters; release: () => void } {
    const key = `app ${dst.ip} ${dst.port}`;
    const scope = this.#tcp.hold(
      key,
      () =>
        new TcpCounters(this.#metrics, {
          direction: 'inbound',
          peer: 'dst',
          ...targetLabels(dst.ip, dst.port),
          tls: 'no_identity',
          no_tls_reason: 'loopback',
        }),
    );
    return { scope, release: () => this.#tcp.release(key) };
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
        const authz = authzLabels(authorization);
        const all = { ...common, ...routeLabels(route.meta), ...authz };
        const key = JSON.stringify(all);
        const routeKey = JSON.stringify([labels.server, labels.dst.port, route.meta]);
        held.push(
          () => this.#endpoints.release(key),
          () => this.#routes.release(routeKey),
        );
        const counter = this.#metrics.counter('inbound_http_authz_allow_total', all);
        return {
          count: () => counter.inc(),
          scopes: [
            this.#endpoints.hold(key, () => new EndpointScope(this.#metrics, { direction: 'inbound', ...all })),
            this.#routes.hold(routeKey, () => new InboundRouteScope(this.#metrics, parentAndRoute(labels, route))),
          ],
        };
      },
      deny: (route) =>
        this.#metrics.counter('inbound_http_authz_deny_total', { ...common, ...routeLabels(route.meta) }).inc(),
      notFound: () => this.#metrics.counter('inbound_http_route_not_found_total', common).inc(),
      limited: (limit, ratelimit_scope) =>
        this.#metrics
          .counter('inbound_http_local_ratelimit_total', {
            ...serverLabels(labels.server, labels.dst.port),
            ratelimit_group: limit.group,
            ratelimit_kind: limit.kind,
            ratelimit_name: limit.name,
            ratelimit_scope,
          })
          .inc(),
      release: () => {
        for (const release of held) release();
      },
    };
  }

  tcp(labels: InboundLabels) {
    const common = {
      ...targetLabels(labels.dst.ip, labels.dst.port),
      ...labels.tls,
      ...serverLabels(labels.server, labels.dst.port),
    };
    return {
      allow: (authorization: Authorization) =>
        this.#metrics.counter('inbound_tcp_authz_allow_total', { ...common, ...authzLabels(authorization) }).inc(),
      deny: () => this.#metrics.counter('inbound_tcp_authz_deny_total', common).inc(),
      terminate: () => this.#metrics.counter('inbound_tcp_authz_terminate_total', common).inc(),
    };
  }

  detected(server: Meta, port: number, result: string, seconds: number): void {
    const srv = serverLabels(server, port);
    this.#metrics.counter('inbound_tcp_detect_http_results_total', { result, ...srv }).inc();
    this.#metrics.histogram('inbound_tcp_detect_http_duration_seconds', srv).observe(seconds);
  }

  transportHeader(header: { port: number; name: string; session: string | undefined }, clientId: string): void {
    this.#metrics
      .counter('inbound_tcp_transport_header_connections_total', {
        session_protocol: header.session ?? '',
        target_port: String(header.port),
        target_name: header.name,
        client_id: clientId,
      })
      .inc();
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
