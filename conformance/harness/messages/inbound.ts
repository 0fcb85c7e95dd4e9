import type { MessageInitShape } from '@bufbuild/protobuf';
import { encodeIp, type inbound } from '#api/mesh';
import { ms, named, resource } from './values.ts';

type Authz = MessageInitShape<typeof inbound.AuthzSchema>;

const EVERYWHERE = ['0.0.0.0', '::'].map((ip) => ({ net: { ip: encodeIp(ip)!, prefixLen: 0 } }));

const unauthenticated = { permit: { case: 'unauthenticated' as const, value: {} } };

/** Anybody from anywhere. */
export const anybody: Authz = {
  networks: EVERYWHERE,
  authentication: unauthenticated,
  metadata: named('all-unauthenticated'),
};

/** Anybody but who comes from an IPv4 address. */
export const anybodyBut = (ip: string): Authz => ({
  networks: EVERYWHERE.map((network) => ({ ...network, except: [{ ip: encodeIp(ip)!, prefixLen: 32 }] })),
  authentication: unauthenticated,
  metadata: named('all-but-one'),
});

/** Anybody, and it is written down. */
export const audited: Authz = { networks: EVERYWHERE, authentication: unauthenticated, metadata: named('audit') };

type Clients = MessageInitShape<typeof inbound.Authn_PermitMeshTLS_PermitClientIdentitiesSchema>;

const identified = (value: Clients) => ({
  permit: { case: 'meshTLS' as const, value: { clients: { case: 'identities' as const, value } } },
});

/** Anybody with an identity. */
export const authenticated: Authz = {
  networks: EVERYWHERE,
  // A suffix of no parts is every identity's.
  authentication: identified({ suffixes: [{ parts: [] }] }),
  metadata: named('all-authenticated'),
};

/** Only clients with these identities. */
export const only = (...identities: string[]): Authz => ({
  networks: EVERYWHERE,
  authentication: identified({ identities: identities.map((name) => ({ name })) }),
  metadata: resource('authorizationpolicy', 'only'),
});

/** What a port carries; `detect`: HTTP of either version, or bytes. */
export function carrying(
  protocol: 'detect' | 'http1' | 'http2' | 'opaque',
  detectMs = 1_000,
): MessageInitShape<typeof inbound.ProxyProtocolSchema> {
  const routes = [{ metadata: named('default'), rules: [{}] }];
  switch (protocol) {
    case 'detect':
      return { kind: { case: protocol, value: { timeout: ms(detectMs), httpRoutes: routes } } };
    case 'opaque':
      return { kind: { case: protocol, value: {} } };
    default:
      return { kind: { case: protocol, value: { routes } } };
  }
}

/** A port open to everyone whose protocol is found by looking; what is given replaces parts of it. */
export function everyone(changes: Partial<PortPolicy> = {}): PortPolicy {
  return {
    protocol: carrying('detect'),
    labels: { group: '', kind: 'default', name: 'all-unauthenticated' },
    authorizations: [anybody],
    ...changes,
  };
}

/** What the policy controller says of a port. */
export interface PortPolicy {
  readonly protocol: MessageInitShape<typeof inbound.ProxyProtocolSchema>;
  readonly labels: Record<string, string>;
  readonly authorizations: Authz[];
}
