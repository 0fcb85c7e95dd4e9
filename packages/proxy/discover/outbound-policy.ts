import type { EwmaConfig, ZoneBand } from '#model/balance';
import type { BackoffConfig } from './backoff.ts';
import type { EndpointInfo } from './endpoint-info.ts';
import type { HostMatch, HttpFilter, HttpRoute } from './http-routes.ts';
import type { Meta } from './meta.ts';

/** Where a route leads. */
export interface Backend {
  readonly meta: Meta;
  readonly target:
    | {
        readonly kind: 'balancer';
        readonly path: string;
        readonly ewma: EwmaConfig;
        /** Keep requests in the zone within this band of load; absent: as the proxy is set. */
        readonly zones?: ZoneBand;
      }
    | { readonly kind: 'forward'; readonly endpoint: EndpointInfo }
    | { readonly kind: 'none' };
}

export interface Distribution {
  /** `empty`: never ready. `first`: the first backend that is ready. `random`: by weight among those that are ready. */
  readonly kind: 'empty' | 'first' | 'random';
  readonly backends: readonly {
    readonly backend: Backend;
    readonly weight: number;
    readonly filters: readonly HttpFilter[];
  }[];
}

/** Bounds on a request's time, in milliseconds; the meaning of each stands with `Timeouts` of the proxy's HTTP. */
export interface RouteTimeouts {
  readonly requestMs?: number;
  readonly responseMs?: number;
  readonly idleMs?: number;
}

/** When a route's requests are tried again. */
export interface RetryPolicy {
  /** Retries, not attempts. */
  readonly limit: number;
  readonly bytesMax: number;
  readonly perTryMs: number | undefined;
  readonly backoff: BackoffConfig | undefined;
  /** HTTP statuses, both ends included. */
  readonly statuses: readonly { readonly from: number; readonly to: number }[];
  /** gRPC status numbers. */
  readonly grpcCodes: readonly number[];
}

export interface OutboundRule {
  readonly distribution: Distribution;
  readonly timeouts?: RouteTimeouts;
  readonly retry?: RetryPolicy;
  /** Requests may ask for retries and timeouts by header. */
  readonly allowsRequestHeaders?: boolean;
}

export type OutboundHttpRoute = HttpRoute<OutboundRule>;

/** When an endpoint is shut out of its balancer, and how long until it is probed. */
export type BreakerPolicy = BreakerKind & {
  /** With no more than so many endpoints ready none is shut out. */
  readonly minReadyEndpoints?: number;
};

type BreakerKind =
  /** `maxFailures` in a row; 0: never. */
  | { readonly kind: 'consecutive'; readonly maxFailures: number; readonly backoff: BackoffConfig }
  | {
      readonly kind: 'unified';
      /** Below this part of successes (0: not by ratio) over `windowMs` with at least `minRequests`. */
      readonly successRate: number;
      readonly windowMs: number;
      readonly minRequests: number;
      readonly maxFailures: number;
      readonly backoff: BackoffConfig;
    };

/** Where requests of one version of HTTP go. */
export interface HttpPolicy {
  readonly routes: readonly OutboundHttpRoute[];
  readonly breaker: BreakerPolicy | undefined;
}

/** Nothing is routed. */
export const NO_HTTP: HttpPolicy = { routes: [], breaker: undefined };

export interface OutboundOpaqueRoute {
  readonly meta: Meta;
  readonly distribution: Distribution;
  /** Connections are closed at once, with this reason. */
  readonly refuse: 'forbidden' | 'invalid_backend' | undefined;
}

/** Takes the TLS connections for some server names; none named: all. */
export interface OutboundTlsRoute extends OutboundOpaqueRoute {
  readonly snis: readonly HostMatch[];
}

/** How to reach one destination. */
export interface OutboundPolicy {
  readonly protocol: 'detect' | 'opaque' | 'tls' | 'http1' | 'http2' | 'grpc';
  readonly parent: Meta;
  /** The same object in both when both versions are treated alike, as they usually are. */
  readonly http1: HttpPolicy;
  /** Of gRPC policies too; their matches have `rpc`. */
  readonly http2: HttpPolicy;
  readonly opaqueRoute: OutboundOpaqueRoute | undefined;
  readonly tlsRoutes: readonly OutboundTlsRoute[];
  readonly invalid?: string;
}
