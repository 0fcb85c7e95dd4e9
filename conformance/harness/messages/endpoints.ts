import type { MessageInitShape } from '@bufbuild/protobuf';
import { type destination, encodeTcpAddress } from '#api/mesh';
import { ms } from './values.ts';

type Update = MessageInitShape<typeof destination.UpdateSchema>;

/** One address of a destination. */
export interface Endpoint {
  readonly ip: string;
  readonly port: number;
  /** Identity of its proxy, a DNS name or a SPIFFE URI; absent: not meshed. */
  readonly identity?: string;
  /** What is asked for in the handshake; absent: the identity. */
  readonly serverName?: string;
  /** The name behind it, where it is a gateway. */
  readonly authority?: string;
  /** Of its proxy; absent: dialled at its own port. */
  readonly inboundPort?: number;
  readonly hint?: 'h2' | 'opaque';
  readonly weight?: number;
  readonly priority?: number;
  readonly labels?: Record<string, string>;
  /** Connections of HTTP/2 to it are asked whether they live: after how much silence, and how long an answer may take. */
  readonly keepAlive?: { readonly intervalMs: number; readonly timeoutMs: number };
}

export function weightedAddr(endpoint: Endpoint): MessageInitShape<typeof destination.WeightedAddrSchema> {
  const {
    ip,
    port,
    identity: name,
    inboundPort,
    authority,
    hint,
    weight = 10_000,
    priority = 0,
    labels = {},
    keepAlive,
  } = endpoint;
  return {
    addr: encodeTcpAddress(ip, port)!,
    weight,
    priority,
    metricLabels: labels,
    ...(name !== undefined && {
      tlsIdentity: {
        strategy: name.includes('://')
          ? { case: 'uriLikeIdentity' as const, value: { uri: name } }
          : { case: 'dnsLikeIdentity' as const, value: { name } },
        serverName: { name: endpoint.serverName ?? name },
      },
    }),
    ...(keepAlive && {
      http2: { keepAlive: { interval: ms(keepAlive.intervalMs), timeout: ms(keepAlive.timeoutMs), whileIdle: true } },
    }),
    ...(authority !== undefined && { authorityOverride: { authorityOverride: authority } }),
    protocolHint: {
      ...(hint && { protocol: { case: hint, value: {} } as const }),
      ...(inboundPort !== undefined && { opaqueTransport: { inboundPort } }),
    },
  };
}

/** Endpoints that are new or have changed; the first such message is all there are. */
export function adding(endpoints: readonly Endpoint[]): Update {
  const addrs = endpoints.map(weightedAddr);
  return { update: { case: 'add', value: { addrs, metricLabels: { service: 'web', namespace: 'a' } } } };
}

/** Endpoints that are gone. */
export function removing(endpoints: readonly Endpoint[]): Update {
  return { update: { case: 'remove', value: { addrs: endpoints.map((each) => weightedAddr(each).addr!) } } };
}
