import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AnyObject } from '#api/kube';
import { RULES, reviewPolicy } from './index.ts';

const POLICY = 'policy.linkerd.io';
const GATEWAY = 'gateway.networking.k8s.io';

function review(kind: string, spec: unknown, annotations: Record<string, string> = {}, group = POLICY): string {
  const answer = reviewPolicy({
    uid: 'u',
    kind: { group, version: 'v1', kind },
    resource: { group, version: 'v1', resource: 'x' },
    operation: 'CREATE',
    namespace: 'shop',
    object: { metadata: { name: 'x', annotations }, spec } as AnyObject,
  });
  return answer.allowed ? 'allowed' : answer.message;
}
const ref = (kind: string, name = 'x', group = POLICY) => ({ group, kind, name });
const service = { group: 'core', kind: 'Service', name: 'web', port: 80 };
const egress = { group: POLICY, kind: 'EgressNetwork', name: 'all' };
const deep = (fields: object) => ({ parentRefs: [service], rules: [fields] });

test('allows what the rest of the mesh understands', () => {
  const good: [string, object, string?][] = [
    ['Server', { podSelector: {}, port: 80 }],
    [
      'Server',
      {
        externalWorkloadSelector: { matchLabels: { a: 'b' } },
        port: 'http',
        proxyProtocol: 'gRPC',
        accessPolicy: 'audit',
      },
    ],
    [
      'AuthorizationPolicy',
      {
        targetRef: ref('Server'),
        requiredAuthenticationRefs: [ref('MeshTLSAuthentication'), ref('NetworkAuthentication')],
      },
    ],
    [
      'AuthorizationPolicy',
      {
        targetRef: { kind: 'Namespace', name: 'shop' },
        requiredAuthenticationRefs: [{ kind: 'ServiceAccount', name: 'a' }],
      },
    ],
    ['AuthorizationPolicy', { targetRef: ref('GRPCRoute', 'r', GATEWAY), requiredAuthenticationRefs: [] }],
    ['HTTPRoute', deep({ matches: [{ path: { type: 'RegularExpression', value: '/a\\-b' } }] })],
    [
      'MeshTLSAuthentication',
      {
        identities: ['*', '*.a.b', 'web.shop.test', 'spiffe://root.local/ns/A_b-c'],
        identityRefs: [{ kind: 'Namespace', name: 'a' }],
      },
    ],
    [
      'NetworkAuthentication',
      { networks: [{ cidr: '10.0.0.0/8', except: ['10.1.0.0/16', '10.2.3.4'] }, { cidr: 'fd00::1' }] },
    ],
    ['ServerAuthorization', { server: { name: 's' }, client: { meshTLS: { unauthenticatedTLS: true } } }],
    ['EgressNetwork', { trafficPolicy: 'Allow' }],
    [
      'HTTPLocalRateLimitPolicy',
      { targetRef: ref('Server'), total: { requestsPerSecond: 10 }, identity: { requestsPerSecond: 10 } },
    ],
    [
      'HTTPRoute',
      { ...deep({ matches: [{ path: { value: '/a' } }], timeouts: { request: '10s', backendRequest: '1s' } }) },
    ],
    [
      'HTTPRoute',
      { parentRefs: [{ name: 'gateway', kind: 'Gateway' }], rules: [{ matches: [{ path: { value: 'x' } }] }] },
    ],
    ['HTTPRoute', deep({ backendRefs: [{ name: 'a' }] })],
    ['TCPRoute', { parentRefs: [service], rules: [{}] }, GATEWAY],
    ['HTTPRoute', deep({ filters: [{ type: 'RequestMirror', requestMirror: {} }] }), GATEWAY],
    ['Unknown', {}],
  ];
  for (const [kind, spec, group] of good) assert.equal(review(kind, spec, {}, group), 'allowed', JSON.stringify(spec));
});

test('refuses what its schema lets through and nobody could follow', () => {
  const target = { targetRef: ref('Server') };
  const required = (...requiredAuthenticationRefs: object[]) => ({ ...target, requiredAuthenticationRefs });
  const rate = (more: object) => ({ ...target, total: { requestsPerSecond: 10 }, ...more });
  const rps = (requestsPerSecond: number) => ({ requestsPerSecond });
  const bad: [string, object | undefined, RegExp, string?][] = [
    ['Server', undefined, /spec is missing/],
    ['Server', { podSelector: {}, port: 0 }, /port: expected 1 to 65535 or a port name, got 0/],
    ['Server', { podSelector: {}, port: 'Not_A_Port' }, /port: expected/],
    ['Server', { port: 80 }, /exactly one of podSelector/],
    [
      'Server',
      { podSelector: {}, port: 80, proxyProtocol: 'HTTP/3' },
      /proxyProtocol: expected one of unknown, HTTP\/1.*got "HTTP\/3"/,
    ],
    [
      'Server',
      { podSelector: {}, port: 80, accessPolicy: 'open' },
      /accessPolicy: expected one of all-unauthenticated/,
    ],
    ['Server', { podSelector: { matchExpressions: [{ key: 'a', operator: 'In' }] }, port: 80 }, /In needs values/],
    [
      'Server',
      { podSelector: { matchExpressions: [{ key: 'a', operator: 'Exists', values: ['b'] }] }, port: 80 },
      /takes no values/,
    ],
    ['Server', { podSelector: { matchExpressions: [{ key: 'a', operator: 'Like' }] }, port: 80 }, /got "Like"/],
    [
      'AuthorizationPolicy',
      { targetRef: ref('Deployment', 'x', 'apps') },
      /expected Server, HTTPRoute, GRPCRoute or Namespace, got Deployment.apps/,
    ],
    ['AuthorizationPolicy', { targetRef: { kind: 'Namespace', name: 'other' } }, /cannot target another namespace/],
    [
      'AuthorizationPolicy',
      required(ref('NetworkAuthentication'), ref('NetworkAuthentication', 'y')),
      /single NetworkAuthentication/,
    ],
    [
      'AuthorizationPolicy',
      required(ref('MeshTLSAuthentication'), ref('MeshTLSAuthentication', 'y')),
      /single MeshTLSAuthentication/,
    ],
    [
      'AuthorizationPolicy',
      required(ref('MeshTLSAuthentication'), { kind: 'ServiceAccount', name: 'a' }),
      /may not be set together/,
    ],
    ['AuthorizationPolicy', required({ kind: 'Secret', name: 'a' }), /expected MeshTLSAuthentication.*got Secret/],
    ['MeshTLSAuthentication', { identities: ['a*'] }, /identities: expected/],
    ['MeshTLSAuthentication', { identities: ['spiffe://root/a/../b'] }, /SPIFFE/],
    ['MeshTLSAuthentication', { identities: ['spiffe://Root/a'] }, /SPIFFE/],
    ['MeshTLSAuthentication', { identities: ['spiffe://root/a/'] }, /SPIFFE/],
    ['MeshTLSAuthentication', { identityRefs: [{ kind: 'Pod', name: 'a' }] }, /expected ServiceAccount or Namespace/],
    [
      'MeshTLSAuthentication',
      { identityRefs: [{ kind: 'Namespace', name: 'a', namespace: 'b' }] },
      /may not have a namespace/,
    ],
    ['NetworkAuthentication', { networks: [] }, /at least one network/],
    [
      'NetworkAuthentication',
      { networks: [{ cidr: 'here' }] },
      /cidr: expected a network or an IP address, got "here"/,
    ],
    [
      'NetworkAuthentication',
      { networks: [{ cidr: '10.0.0.0/8', except: ['11.0.0.0/8'] }] },
      /does not include exception/,
    ],
    ['NetworkAuthentication', { networks: [{ cidr: '10.0.0.0/8', except: ['10.0.0.0/8'] }] }, /completely negated/],
    ['EgressNetwork', { networks: [] }, /at least one network/],
    ['EgressNetwork', { networks: [{ cidr: '1.0.0.0/8', except: ['2.0.0.0/8'] }] }, /does not include/],
    ['ServerAuthorization', { client: { unauthenticated: true, meshTLS: {} } }, /meshTLS cannot be set/],
    [
      'ServerAuthorization',
      { client: { meshTLS: { unauthenticatedTLS: true, identities: ['a'] } } },
      /cannot be set where unauthenticated TLS/,
    ],
    ['ServerAuthorization', { client: { networks: [{ cidr: '10.0.0.0/8', except: ['x'] }] } }, /except: expected/],
    ['HTTPLocalRateLimitPolicy', { targetRef: ref('HTTPRoute') }, /targetRef: expected a Server/],
    ['HTTPLocalRateLimitPolicy', rate({ total: rps(0) }), /total: requestsPerSecond must be greater than 0/],
    ['HTTPLocalRateLimitPolicy', rate({ identity: rps(11) }), /identity: requestsPerSecond \(11\) must not exceed/],
    ['HTTPLocalRateLimitPolicy', rate({ identity: rps(0) }), /identity: requestsPerSecond must be greater/],
    [
      'HTTPLocalRateLimitPolicy',
      rate({ overrides: [{ ...rps(20), clientRefs: [] }] }),
      /overrides: requestsPerSecond \(20\)/,
    ],
    [
      'HTTPLocalRateLimitPolicy',
      rate({ overrides: [{ ...rps(1), clientRefs: [{ kind: 'Pod', name: 'a' }] }] }),
      /expected ServiceAccount/,
    ],
    ['HTTPRoute', { parentRefs: [egress], rules: [] }, /EgressNetwork all must be referred to with a port/],
    ['HTTPRoute', deep({ matches: [{ path: { value: 'a' } }] }), /expected an absolute path, got "a"/],
    ['HTTPRoute', deep({ matches: [{ path: { type: 'RegularExpression', value: '(' } }] }), /no regular expression/],
    ['HTTPRoute', deep({ matches: [{ headers: [{ name: 'a b', value: 'x' }] }] }), /"a b" is no header name/],
    [
      'HTTPRoute',
      deep({
        filters: [{ type: 'RequestHeaderModifier', requestHeaderModifier: { set: [{ name: 'a', value: 'b\nc' }] } }],
      }),
      /no header value/,
    ],
    [
      'HTTPRoute',
      deep({ filters: [{ type: 'RequestRedirect', requestRedirect: { path: { replaceFullPath: 'x' } } }] }),
      /replaceFullPath: expected an absolute path/,
    ],
    ['HTTPRoute', deep({ timeouts: { request: '-1s' } }), /must not be negative/],
    ['HTTPRoute', deep({ timeouts: { request: '1s', backendRequest: '2s' } }), /backendRequest must not be longer/],
    ['HTTPRoute', deep({ timeouts: { request: 'soon' } }), /expected a duration/],
    ['HTTPRoute', deep({ backendRefs: [{ name: 'a' }] }), /Service a must be referred to with a port/, GATEWAY],
    [
      'GRPCRoute',
      deep({ matches: [{ method: { type: 'RegularExpression' } }] }),
      /regular expressions are not supported/,
      GATEWAY,
    ],
    ['TCPRoute', { parentRefs: [service], rules: [{}, {}] }, /expected exactly one rule, got 2/, GATEWAY],
    ['TLSRoute', { parentRefs: [egress], rules: [{}] }, /must be referred to with a port/, GATEWAY],
  ];
  const covered = new Set<string>();
  for (const [kind, spec, message, group = POLICY] of bad) {
    assert.match(review(kind, spec, {}, group), message, JSON.stringify(spec));
    covered.add(`${group}/${kind}`);
  }
  assert.deepEqual([...covered].sort(), Object.keys(RULES).sort(), 'every rule refuses something');
});

test('checks retry and timeout annotations of routes whose parent is a Service', () => {
  const annotations = { 'retry.linkerd.io/http': 'sometimes' };
  assert.match(
    review('HTTPRoute', { parentRefs: [service], rules: [] }, annotations),
    /retry\.linkerd\.io\/http: "sometimes"/,
  );
  assert.equal(review('HTTPRoute', { parentRefs: [ref('Server')], rules: [] }, annotations), 'allowed');
});
