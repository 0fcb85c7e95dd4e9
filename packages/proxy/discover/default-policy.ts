import type { DefaultPolicy, Network } from '#model/proxy-config';
import { Cidr } from './cidr.ts';
import { type Authorization, defaultMeta, type ServerPolicy } from './types.ts';

const EVERYWHERE: readonly Network[] = [
  { ip: '0.0.0.0', prefix: 0 },
  { ip: '::', prefix: 0 },
];
const LOOPBACK: readonly Network[] = [
  { ip: '127.0.0.1', prefix: 32 },
  { ip: '::1', prefix: 128 },
];

const inNetworks = (networks: readonly Network[]): Authorization['networks'] =>
  networks.flatMap((network) => {
    const net = Cidr.of(network);
    return net ? [{ net, except: [] }] : [];
  });

/** Loopback is always let in, even under `deny`: kubelets and the application itself come from there. */
export const LOCALHOST: Authorization = {
  meta: defaultMeta('localhost'),
  networks: inNetworks(LOOPBACK),
  clients: 'any',
};

/** The policy of a port about which the control plane has said nothing yet. */
export function defaultServerPolicy(
  policy: DefaultPolicy,
  options: { opaque: boolean; detectTimeoutMs: number; clusterNetworks: readonly Network[] },
): ServerPolicy {
  const meta = defaultMeta(policy);
  const networks = inNetworks(policy.startsWith('cluster-') ? options.clusterNetworks : EVERYWHERE);
  const clients = policy.endsWith('-authenticated') ? { identities: new Set<string>(), suffixes: [''] } : 'any';
  const authorizations = policy === 'deny' ? [LOCALHOST] : [{ meta, networks, clients } as const, LOCALHOST];
  return {
    protocol: policy === 'deny' || options.opaque ? 'opaque' : 'detect',
    detectTimeoutMs: options.detectTimeoutMs,
    meta,
    authorizations,
    routes: [DEFAULT_ROUTE],
  };
}

/** Takes every request and adds no authorization of its own. */
export const DEFAULT_ROUTE: ServerPolicy['routes'][number] = {
  meta: defaultMeta('default'),
  hosts: [],
  rules: [{ matches: [], filters: [] }],
  authorizations: [],
};
