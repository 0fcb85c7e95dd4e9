/** Default inbound policies: what a port admits that no Server selects. */

export interface DefaultPolicy {
  /** From where: anywhere, the cluster networks, or nowhere. */
  networks: 'all' | 'cluster' | 'none';
  /** Whether a client must present a mesh identity. */
  identity: 'any' | 'none';
  doc: string;
}

/** Every value of `config.linkerd.io/default-inbound-policy` and of a Server's accessPolicy. */
export const DEFAULT_POLICIES = {
  'all-unauthenticated': { networks: 'all', identity: 'none', doc: 'Everyone, meshed or not.' },
  'all-authenticated': { networks: 'all', identity: 'any', doc: 'Meshed clients from anywhere.' },
  'cluster-unauthenticated': { networks: 'cluster', identity: 'none', doc: 'Everyone in the cluster networks.' },
  'cluster-authenticated': { networks: 'cluster', identity: 'any', doc: 'Meshed clients in the cluster networks.' },
  deny: { networks: 'none', identity: 'none', doc: 'Nobody but the pod itself.' },
  audit: { networks: 'all', identity: 'none', doc: 'Everyone; the proxy logs what no other policy admitted.' },
} as const satisfies Record<string, DefaultPolicy>;

export type DefaultPolicyName = keyof typeof DEFAULT_POLICIES;

/** The name in `text`, or undefined when it names no default policy. */
export function parseDefaultPolicy(text: string | undefined): DefaultPolicyName | undefined {
  return text !== undefined && Object.hasOwn(DEFAULT_POLICIES, text) ? (text as DefaultPolicyName) : undefined;
}

/** The policy that applies on a port that requires identity: an allowing one asks for mesh TLS, the others stay. */
export function requireIdentity(name: DefaultPolicyName): DefaultPolicyName {
  if (name === 'all-unauthenticated') return 'all-authenticated';
  if (name === 'cluster-unauthenticated') return 'cluster-authenticated';
  return name;
}
