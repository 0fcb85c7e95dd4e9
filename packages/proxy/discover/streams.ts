import type { DestinationUpdate } from './endpoint-info.ts';
import type { OutboundPolicy } from './outbound-policy.ts';
import type { Profile } from './profile.ts';
import type { ServerPolicy } from './server-policy.ts';

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

/** What identities are verified with. */
export interface Trust {
  /** DER. */
  readonly roots: readonly Uint8Array[];
  /** SHA-256 of the certificate that signs leaves now; empty: not told. */
  readonly issuerSha256: Uint8Array;
  /** Within this time those ask for a new leaf whose issuer is another. */
  readonly renewWithinMs: number;
}

export interface IdentityClient {
  certify(request: { identity: string; token: Uint8Array; csrDer: Uint8Array }): Promise<Certificate>;
  /** Fails with UNIMPLEMENTED under Linkerd's control plane. */
  watchTrust(sink: StreamSink<Trust>): Cancel;
}
