import type { EwmaConfig, ZoneBand } from '#model/balance';
import type { BackoffConfig } from './backoff.ts';
import type { Cidr } from './cidr.ts';

/** Names a resource of the cluster, or a default (`{group: '', kind: 'default', name}`); becomes metric labels. */
export interface Meta {
  readonly group: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
  readonly section: string;
  /** 0 when it has none. */
  readonly port: number;
}

/** A default: something that no resource stands for. */
export function defaultMeta(name: string): Meta {
  return { group: '', kind: 'default', name, namespace: '', section: '', port: 0 };
}

/** Who may connect or request, and from where. */
export interface Authorization {
  readonly meta: Meta;
  readonly networks: readonly { readonly net: Cidr; readonly except: readonly Cidr[] }[];
  /** `any`: without TLS too. `any-tls`: mesh TLS, with or without a client certificate. */
  readonly clients: 'any' | 'any-tls' | ClientNames;
}

export interface ClientNames {
  readonly identities: ReadonlySet<string>;
  /** `['a.b']` admits DNS names that end in `.a.b`; '' admits every identity. */
  readonly suffixes: readonly string[];
}

/** A regular expression that matches a whole text. */
export interface TextPattern {
  test(text: string): boolean;
}

export type TextMatch =
  | { readonly kind: 'exact' | 'prefix'; readonly value: string }
  | { readonly kind: 'regex'; readonly regex: TextPattern };

/** One condition on a request; all parts must hold. */
export interface HttpMatch {
  /**
   * A gRPC route's match: `POST /service/method`, '' being any. It is ranked by the length of `service`, then of `method`, then by
   * headers; `path`, `query` and `method` of the match are unset.
   */
  readonly rpc?: { readonly service: string; readonly method: string };
  readonly path: TextMatch | undefined;
  readonly headers: readonly { readonly name: string; readonly match: TextMatch }[];
  readonly query: readonly { readonly name: string; readonly match: TextMatch }[];
  readonly method: string | undefined;
}

export type HostMatch =
  | { readonly kind: 'exact'; readonly value: string }
  | { readonly kind: 'suffix'; readonly value: string };

export interface HeaderEdit {
  readonly add: readonly (readonly [string, string])[];
  readonly set: readonly (readonly [string, string])[];
  readonly remove: readonly string[];
}

/** What a route does to requests and responses. `ratio`: part of the requests it is done to, 0 to 1. */
export type HttpFilter =
  | { readonly kind: 'fail'; readonly status: number; readonly message: string; readonly ratio: number }
  /** The same for gRPC routes; `code` is the status number of the answer. */
  | { readonly kind: 'fail-grpc'; readonly code: number; readonly message: string; readonly ratio: number }
  | { readonly kind: 'request-headers'; readonly edit: HeaderEdit }
  | { readonly kind: 'response-headers'; readonly edit: HeaderEdit }
  | {
      readonly kind: 'redirect';
      readonly status: number;
      readonly scheme: string | undefined;
      readonly host: string | undefined;
      readonly port: number | undefined;
      readonly path: PathEdit | undefined;
    }
  // Weft only, from here on: control planes send them to proxies that ask for them.
  /** Changes what the backend sees; `host` replaces the authority. */
  | { readonly kind: 'rewrite'; readonly path: PathEdit | undefined; readonly host: string | undefined }
  | { readonly kind: 'delay'; readonly delayMs: number; readonly ratio: number }
  /** A copy goes to another backend too, whose response is thrown away. */
  | { readonly kind: 'mirror'; readonly backend: Backend; readonly ratio: number };

/** `full`: the new path. `prefix`: takes the place of what the route's prefix matched. */
export interface PathEdit {
  readonly kind: 'full' | 'prefix';
  readonly value: string;
}

/** A route: hosts, rules in order, and what a rule leads to. */
export interface HttpRoute<R> {
  readonly meta: Meta;
  readonly hosts: readonly HostMatch[];
  readonly rules: readonly (R & { readonly matches: readonly HttpMatch[]; readonly filters: readonly HttpFilter[] })[];
}

export interface InboundRoute extends HttpRoute<object> {
  readonly authorizations: readonly Authorization[];
}

/** What a port of this pod accepts, and from whom. */
export interface ServerPolicy {
  readonly protocol: 'detect' | 'opaque' | 'tls' | 'http1' | 'http2' | 'grpc';
  readonly detectTimeoutMs: number;
  readonly meta: Meta;
  readonly authorizations: readonly Authorization[];
  /** HTTP only; never empty there. Those of gRPC policies have matches with `rpc`. */
  readonly routes: readonly InboundRoute[];
  readonly rateLimit?: RateLimitPolicy | undefined;
  /** The control plane's message was unusable, and why: nothing is let in. */
  readonly invalid?: string;
}

/** Requests a second that a port takes: as a whole, from one client, and from named clients in place of that. */
export interface RateLimitPolicy {
  readonly meta: Meta;
  readonly total: number | undefined;
  /** Clients without identity share one bucket. */
  readonly perIdentity: number | undefined;
  readonly overrides: readonly { readonly perSecond: number; readonly identities: readonly string[] }[];
}

/** How a client speaks HTTP/2 with an endpoint; undefined: as by default. */
export interface Http2Params {
  readonly keepAlive:
    | { readonly intervalMs: number; readonly timeoutMs: number; readonly whileIdle: boolean }
    | undefined;
  /** Octets that the peer may send on the connection and on a stream before it hears from us. */
  readonly windows: { readonly connection: number; readonly stream: number } | undefined;
  /** Windows follow the throughput. */
  readonly adaptiveWindows: boolean;
  readonly maxFrameSize: number | undefined;
  readonly maxConcurrentResetStreams: number | undefined;
  readonly maxSendBufBytes: number | undefined;
}

/** One address that traffic can be sent to. */
export interface EndpointInfo {
  readonly ip: string;
  readonly port: number;
  /** Absent: not meshed, plain text. */
  readonly tls: { readonly identity: string; readonly serverName: string } | undefined;
  readonly h2: boolean;
  readonly opaque: boolean;
  /** Dial this port of the endpoint with a transport header. */
  readonly inboundPort: number | undefined;
  /** Behind a gateway: requests name this authority, and connections say it in their transport header if it has a port. */
  readonly authorityOverride:
    | { readonly authority: string; readonly host: string; readonly port: number | undefined }
    | undefined;
  /** For metrics, without the prefix `dst_`. */
  readonly labels: Readonly<Record<string, string>>;
  /** Share of the load compared with other endpoints; above 0, usually 1. */
  readonly weight: number;
  /** Name of its zone ('' unknown), and whether that is the zone of this proxy. */
  readonly zone: string;
  readonly locality: 'local' | 'remote' | 'unknown';
  /** Weft only: endpoints of a higher number are used while those of lower ones cannot carry the load. */
  readonly priority: number;
  readonly http2: Http2Params | undefined;
  /** The resource it stands for, where the control plane says so. */
  readonly resource: Meta | undefined;
}

/** An address of which nothing else is known: plain text, no hints. */
export function bareEndpoint(ip: string, port: number): EndpointInfo {
  return {
    ip,
    port,
    tls: undefined,
    h2: false,
    opaque: false,
    inboundPort: undefined,
    authorityOverride: undefined,
    labels: {},
    weight: 1,
    zone: '',
    locality: 'unknown',
    priority: 0,
    http2: undefined,
    resource: undefined,
  };
}

export type DestinationUpdate =
  | { readonly kind: 'add'; readonly endpoints: readonly EndpointInfo[] }
  | { readonly kind: 'remove'; readonly addrs: readonly { readonly ip: string; readonly port: number }[] }
  | { readonly kind: 'none'; readonly exists: boolean };

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

/** What a service's profile says of a destination. */
export interface Profile {
  /** '' when the address is no service. */
  readonly fqn: string;
  readonly opaque: boolean;
  /** The address is this one endpoint. */
  readonly endpoint: EndpointInfo | undefined;
  readonly routes: readonly ProfileRoute[];
  /** Undefined: nothing is retried. */
  readonly retryBudget: RetryBudget | undefined;
  /** Where requests go instead of the service itself; `authority` is `name:port`. */
  readonly overrides: readonly { readonly authority: string; readonly weight: number }[];
}

export interface ProfileRoute {
  readonly condition: RequestCondition;
  /** The first that holds decides; without one, 5xx and gRPC errors are failures. */
  readonly classes: readonly { readonly condition: ResponseCondition; readonly isFailure: boolean }[];
  /** For metrics, without the prefix `rt_`. */
  readonly labels: Readonly<Record<string, string>>;
  readonly isRetryable: boolean;
  /** To the response head, retries included. */
  readonly timeoutMs: number | undefined;
}

/** Retries that may be spent: a part of the requests of the last `ttlMs`, and some always. */
export interface RetryBudget {
  readonly ratio: number;
  readonly minPerSecond: number;
  readonly ttlMs: number;
}

/** Conditions of a profile joined: none of `all` fails, one of `any` holds, `not` does not hold. */
type Joined<T> =
  | { readonly kind: 'all' | 'any'; readonly of: readonly (T | Joined<T>)[] }
  | { readonly kind: 'not'; readonly of: T | Joined<T> };

export type RequestTest =
  | { readonly kind: 'path'; readonly regex: TextPattern }
  | { readonly kind: 'method'; readonly method: string };
export type RequestCondition = RequestTest | Joined<RequestTest>;

/** Both ends included. */
export type ResponseTest = { readonly kind: 'status'; readonly from: number; readonly to: number };
export type ResponseCondition = ResponseTest | Joined<ResponseTest>;

/** Why a stream ended; absent: the server closed it in order. */
export interface StreamError {
  /** gRPC status by name, e.g. `NOT_FOUND`. */
  readonly code: string;
  readonly message: string;
}

export interface StreamSink<T> {
  message(value: T): void;
  /** Once, last, unless cancelled. */
  ended(error: StreamError | undefined): void;
}

export type Cancel = () => void;

/** Ports in and profiles, policies and endpoints out: one call, one stream. Retrying is the caller's. */
export interface MeshClients {
  watchPort(port: number, sink: StreamSink<ServerPolicy>): Cancel;
  watchOutbound(target: { ip: string; port: number } | { authority: string }, sink: StreamSink<OutboundPolicy>): Cancel;
  /** `path`: `ip:port` or `name:port`. */
  watchProfile(path: string, sink: StreamSink<Profile>): Cancel;
  watchDestination(path: string, sink: StreamSink<DestinationUpdate>): Cancel;
}

export interface Certificate {
  /** DER. */
  readonly leaf: Uint8Array;
  /** DER, without the root. */
  readonly intermediates: readonly Uint8Array[];
  /** Milliseconds since 1970. */
  readonly validUntilMs: number;
}

export interface IdentityClient {
  certify(request: { identity: string; token: Uint8Array; csrDer: Uint8Array }): Promise<Certificate>;
}
