import type { EwmaConfig } from '#model/balance';
import type { HostPort } from '#model/proxy-config';
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

export type TextMatch =
  | { readonly kind: 'exact' | 'prefix'; readonly value: string }
  | { readonly kind: 'regex'; readonly regex: RegExp };

/** One condition on a request; all parts must hold. */
export interface HttpMatch {
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

export type HttpFilter =
  | { readonly kind: 'fail'; readonly status: number; readonly message: string; readonly ratio: number }
  | { readonly kind: 'request-headers'; readonly edit: HeaderEdit }
  | { readonly kind: 'response-headers'; readonly edit: HeaderEdit }
  | {
      readonly kind: 'redirect';
      readonly status: number;
      readonly scheme: string | undefined;
      readonly host: string | undefined;
      readonly port: number | undefined;
      readonly path: { readonly kind: 'full' | 'prefix'; readonly value: string } | undefined;
    };

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
  /** HTTP only; never empty there. */
  readonly routes: readonly InboundRoute[];
  /** The control plane's message was unusable, and why: nothing is let in. */
  readonly invalid?: string;
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
  readonly authorityOverride: HostPort | undefined;
  /** For metrics, without the prefix `dst_`. */
  readonly labels: Readonly<Record<string, string>>;
}

export type DestinationUpdate =
  | { readonly kind: 'add'; readonly endpoints: readonly EndpointInfo[] }
  | { readonly kind: 'remove'; readonly addrs: readonly { readonly ip: string; readonly port: number }[] }
  | { readonly kind: 'none'; readonly exists: boolean };

/** Where a route leads. */
export interface Backend {
  readonly meta: Meta;
  readonly target:
    | { readonly kind: 'balancer'; readonly path: string; readonly ewma: EwmaConfig }
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

export interface OutboundRule {
  readonly distribution: Distribution;
}

export type OutboundHttpRoute = HttpRoute<OutboundRule>;

export interface OutboundOpaqueRoute {
  readonly meta: Meta;
  readonly distribution: Distribution;
  /** Connections are closed at once, with this reason. */
  readonly refuse: 'forbidden' | 'invalid_backend' | undefined;
}

/** How to reach one destination. */
export interface OutboundPolicy {
  readonly protocol: 'detect' | 'opaque' | 'tls' | 'http1' | 'http2' | 'grpc';
  readonly parent: Meta;
  readonly httpRoutes: readonly OutboundHttpRoute[];
  readonly opaqueRoute: OutboundOpaqueRoute | undefined;
  readonly invalid?: string;
}

export interface Profile {
  /** '' when the address is no service. */
  readonly fqn: string;
  readonly opaque: boolean;
  /** The address is this one endpoint. */
  readonly endpoint: EndpointInfo | undefined;
}

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
  watchOutbound(target: { ip: string; port: number }, sink: StreamSink<OutboundPolicy>): Cancel;
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
