import type { Meta } from './meta.ts';

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
  /** Requests given up whose resets wait, on a connection, because it has seen many. */
  readonly maxConcurrentResetStreams: number | undefined;
  /** Octets of a request that may wait in its stream before its client is stopped. */
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
