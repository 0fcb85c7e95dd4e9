import type { Cidr } from './cidr.ts';
import type { HttpRoute } from './http-routes.ts';
import type { Meta } from './meta.ts';

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
