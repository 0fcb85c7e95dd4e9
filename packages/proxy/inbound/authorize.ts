import type { Authorization, ClientNames } from '../discover/index.ts';

/** What is known about a client: whether we terminated mesh TLS, and the name in its verified certificate. */
export interface ClientTls {
  readonly terminated: boolean;
  readonly identity: string | undefined;
}

/** The first authorization that admits a client at `ip` (16 bytes); undefined: none does. */
export function authorize(
  authorizations: readonly Authorization[],
  ip: Uint8Array,
  tls: ClientTls,
): Authorization | undefined {
  return authorizations.find((authorization) => admits(authorization, ip, tls));
}

function admits({ networks, clients }: Authorization, ip: Uint8Array, tls: ClientTls): boolean {
  if (!networks.some(({ net, except }) => net.contains(ip) && !except.some((other) => other.contains(ip))))
    return false;
  if (clients === 'any') return true;
  if (!tls.terminated) return false;
  if (clients === 'any-tls') return true;
  return tls.identity !== undefined && namesMatch(clients, tls.identity);
}

/** URI identities match only as a whole, DNS names by their end too; the empty suffix admits every DNS name, and no URI. */
function namesMatch({ identities, suffixes }: ClientNames, identity: string): boolean {
  if (identities.has(identity)) return true;
  return !identity.includes('://') && suffixes.some((suffix) => suffix === '' || identity.endsWith(`.${suffix}`));
}
