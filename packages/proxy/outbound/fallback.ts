import {
  type Backend,
  bareEndpoint,
  type Distribution,
  defaultMeta,
  type OutboundPolicy,
  type Profile,
} from '../discover/index.ts';

/** The one balancer that a profile's service amounts to where nobody says more. Source: Linkerd's control plane. */
const EWMA = { defaultRttMs: 30, decayMs: 10_000 };

/** Everything leads to one backend, whatever the protocol turns out to be. */
function policyTo(name: string, target: Backend['target'], opaque: boolean): OutboundPolicy {
  const meta = defaultMeta(name);
  const distribution: Distribution = {
    kind: 'first',
    backends: [{ backend: { meta, target }, weight: 1, filters: [] }],
  };
  const http = {
    routes: [{ meta, hosts: [], rules: [{ matches: [], filters: [], distribution }] }],
    breaker: undefined,
  };
  return {
    protocol: opaque ? 'opaque' : 'detect',
    parent: meta,
    http1: http,
    http2: http,
    opaqueRoute: { meta, distribution, refuse: undefined },
    tlsRoutes: [],
  };
}

/** For addresses of which the policy controller knows nothing: the profile's endpoint, else the address itself in plain text. */
export function policyOfAddress(dst: { ip: string; port: number }, profile: Profile | undefined): OutboundPolicy {
  const endpoint = profile?.endpoint ?? bareEndpoint(dst.ip, dst.port);
  return policyTo(profile ? 'endpoint' : 'fallback', { kind: 'forward', endpoint }, profile?.opaque ?? false);
}

/** For names: the profile's endpoint, or the service that it is about; undefined: it is about nothing. */
export function policyOfProfile(profile: Profile, port: number, name?: string): OutboundPolicy | undefined {
  const { endpoint, fqn, opaque } = profile;
  if (endpoint) return policyTo(name ?? 'endpoint', { kind: 'forward', endpoint }, opaque);
  if (fqn === '') return undefined;
  return policyTo(name ?? 'profile', { kind: 'balancer', path: `${fqn}:${port}`, ewma: EWMA }, opaque);
}
