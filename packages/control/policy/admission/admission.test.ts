import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AnyObject } from '#api/kube';
import { RULES, reviewPolicy } from './index.ts';

const POLICY = 'policy.linkerd.io';
const GATEWAY = 'gateway.networking.k8s.io';

function answerTo(
  kind: string,
  spec: unknown,
  annotations: Record<string, string> = {},
  group = POLICY,
  metadata: object = {},
) {
  return reviewPolicy({
    uid: 'u',
    kind: { group, version: 'v1', kind },
    resource: { group, version: 'v1', resource: 'x' },
    operation: 'CREATE',
    namespace: 'shop',
    object: { metadata: { name: 'x', annotations, ...metadata }, spec } as AnyObject,
  });
}
function review(...args: Parameters<typeof answerTo>): string {
  const answer = answerTo(...args);
  return answer.allowed ? 'allowed' : answer.message;
}
function warnings(...args: Parameters<typeof answerTo>): readonly string[] {
  const answer = answerTo(...args);
  assert.ok(answer.allowed, JSON.stringify(answer));
  return answer.warnings ?? [];
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
    ['AuthorizationPolicy', { targetRef: ref('httproute', 'r', GATEWAY), requiredAuthenticationRefs: [] }],
    [
      'AuthorizationPolicy',
      {
        targetRef: { group: 'core', kind: 'namespace', name: 'shop' },
        requiredAuthenticationRefs: [{ group: 'core', kind: 'ServiceAccount', name: 'a', namespace: 'other' }],
      },
    ],
    ['HTTPRoute', deep({ matches: [{ path: { type: 'RegularExpression', value: '/a\\-b' } }] })],
    [
      'MeshTLSAuthentication',
      {
        identities: ['*', '*.a.b', 'web.shop.test', 'spiffe://root.local/ns/A_b-c', 'spiffe://a_b-1/v1.2'],
        identityRefs: [{ kind: 'Namespace', name: 'a' }],
      },
    ],
    [
      'NetworkAuthentication',
      { networks: [{ cidr: '10.0.0.0/8', except: ['10.1.0.0/16', '10.2.3.4'] }, { cidr: 'fd00::1' }] },
    ],
    ['ServerAuthorization', { server: { name: 's' }, client: { meshTLS: { unauthenticatedTLS: true } } }],
    [
      'ServerAuthorization',
      { server: { selector: { matchLabels: { a: 'b' } } }, client: { meshTLS: { serviceAccounts: [{ name: 'a' }] } } },
    ],
    ['EgressNetwork', { trafficPolicy: 'Deny', networks: [{ cidr: '0.0.0.0/0', except: ['10.0.0.0/8', '1.1.1.1'] }] }],
    ['EgressNetwork', { trafficPolicy: 'Allow' }],
    [
      'HTTPLocalRateLimitPolicy',
      { targetRef: ref('Server'), total: { requestsPerSecond: 10 }, identity: { requestsPerSecond: 10 } },
    ],
    [
      'HTTPLocalRateLimitPolicy',
      {
        targetRef: ref('Server'),
        identity: { requestsPerSecond: 1 },
        overrides: [{ requestsPerSecond: 50, clientRefs: [{ kind: 'ServiceAccount', name: 'a' }] }],
      },
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
    ['TLSRoute', { parentRefs: [{ ...egress, port: 443 }], rules: [{}] }, GATEWAY],
    ['TCPRoute', { parentRefs: [{ name: 'gateway', kind: 'Gateway' }], rules: [{}, {}] }, GATEWAY],
    [
      'GRPCRoute',
      {
        parentRefs: [{ name: 'gateway', kind: 'Gateway' }],
        rules: [{ matches: [{ method: { type: 'RegularExpression' } }], backendRefs: [{ name: 'a' }] }],
      },
      GATEWAY,
    ],
    ['HTTPRoute', { parentRefs: [ref('Server')], rules: [{ backendRefs: [{ name: 'a' }] }] }, GATEWAY],
    ['GRPCRoute', deep({ matches: [{ method: { service: 'a.B', method: 'C' } }] }), GATEWAY],
    ['HTTPRoute', deep({ timeouts: { request: '0s', backendRequest: '2s' } })],
    [
      'HTTPRoute',
      deep({ filters: [{ type: 'URLRewrite', urlRewrite: { path: { replacePrefixMatch: '' } } }] }),
      GATEWAY,
    ],
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
    ['AuthorizationPolicy', target, /requiredAuthenticationRefs: expected a list, which may be empty/],
    ['AuthorizationPolicy', { requiredAuthenticationRefs: [] }, /targetRef is missing/],
    ['AuthorizationPolicy', { targetRef: { kind: 'Server' } }, /targetRef: name is missing/],
    ['AuthorizationPolicy', required({ name: 'a' }), /requiredAuthenticationRefs: kind is missing/],
    [
      'AuthorizationPolicy',
      required({ kind: 'ServiceAccount', name: 'a' }, { kind: 'ServiceAccount', name: 'b' }),
      /single ServiceAccount/,
    ],
    ['AuthorizationPolicy', { targetRef: ref('TCPRoute', 'r', GATEWAY) }, /got TCPRoute.gateway/],
    ['AuthorizationPolicy', required({ kind: 'Secret', name: 'a' }), /expected MeshTLSAuthentication.*got Secret/],
    ['MeshTLSAuthentication', { identities: ['a*'] }, /identities: expected/],
    ['MeshTLSAuthentication', { identities: ['spiffe://root/a/../b'] }, /SPIFFE/],
    ['MeshTLSAuthentication', { identities: ['spiffe://Root/a'] }, /SPIFFE/],
    ['MeshTLSAuthentication', { identities: ['spiffe://root/a/'] }, /SPIFFE/],
    ['MeshTLSAuthentication', { identities: ['spiffe://root//a'] }, /SPIFFE/],
    ['MeshTLSAuthentication', { identities: ['spiffe://root/./a'] }, /SPIFFE/],
    ['MeshTLSAuthentication', { identities: ['spiffe:///a'] }, /SPIFFE/],
    ['MeshTLSAuthentication', { identities: ['spiffe://root/a?b'] }, /SPIFFE/],
    ['MeshTLSAuthentication', { identities: ['https://root/a'] }, /SPIFFE/],
    ['MeshTLSAuthentication', { identities: ['*.*.a'] }, /SPIFFE/],
    ['MeshTLSAuthentication', { identities: [''] }, /SPIFFE/],
    ['MeshTLSAuthentication', {}, /identities or identityRefs must be set/],
    ['MeshTLSAuthentication', { identityRefs: [{ kind: 'ServiceAccount' }] }, /identityRefs: name is missing/],
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
    ['NetworkAuthentication', { networks: [{ cidr: '10.0.0.0/8', except: ['0.0.0.0/0'] }] }, /completely negated/],
    ['NetworkAuthentication', { networks: [{ cidr: '10.0.0.0/8', except: ['fd00::/8'] }] }, /does not include/],
    ['NetworkAuthentication', { networks: [{ cidr: '10.0.0.0/33' }] }, /cidr: expected a network/],
    ['NetworkAuthentication', { networks: ['10.0.0.0/8'] }, /networks: expected a list of objects/],
    ['EgressNetwork', { trafficPolicy: 'Maybe' }, /trafficPolicy: expected Allow or Deny, got "Maybe"/],
    ['EgressNetwork', { networks: [{ cidr: 'everywhere' }] }, /cidr: expected a network/],
    ['EgressNetwork', { networks: [] }, /at least one network/],
    ['EgressNetwork', { networks: [{ cidr: '1.0.0.0/8', except: ['2.0.0.0/8'] }] }, /does not include/],
    ['ServerAuthorization', { client: { unauthenticated: true, meshTLS: {} } }, /meshTLS cannot be set/],
    [
      'ServerAuthorization',
      { client: { meshTLS: { unauthenticatedTLS: true, identities: ['a'] } } },
      /cannot be set where unauthenticated TLS/,
    ],
    ['ServerAuthorization', { client: { networks: [{ cidr: '10.0.0.0/8', except: ['x'] }] } }, /except: expected/],
    [
      'ServerAuthorization',
      { client: { meshTLS: { unauthenticatedTLS: true, serviceAccounts: [{ name: 'a' }] } } },
      /cannot be set where unauthenticated TLS/,
    ],
    ['ServerAuthorization', { client: { unauthenticated: true } }, /server: expected a name or a selector/],
    ['ServerAuthorization', { server: { name: 's' } }, /client is missing/],
    ['Server', { podSelector: { matchLabels: { a: 1 } }, port: 80 }, /matchLabels: a: expected a text/],
    ['Server', { podSelector: {}, externalWorkloadSelector: {}, port: 80 }, /exactly one of podSelector/],
    ['HTTPLocalRateLimitPolicy', { targetRef: ref('HTTPRoute') }, /targetRef: expected a Server/],
    [
      'HTTPLocalRateLimitPolicy',
      rate({ overrides: [{ ...rps(0), clientRefs: [] }] }),
      /overrides: requestsPerSecond must be greater than 0/,
    ],
    [
      'HTTPLocalRateLimitPolicy',
      rate({ total: {} }),
      /total: requestsPerSecond: expected a whole number, got undefined/,
    ],
    ['HTTPLocalRateLimitPolicy', { targetRef: ref('Server', 'x', '') }, /targetRef: expected a Server/],
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
    [
      'HTTPRoute',
      deep({ matches: [{ queryParams: [{ name: 'q', type: 'RegularExpression', value: '[' }] }] }),
      /queryParams: .*no regular expression/,
    ],
    [
      'HTTPRoute',
      deep({ backendRefs: [{ name: 'a', port: 80, filters: [{ responseHeaderModifier: { add: [{ name: 'ä' }] } }] }] }),
      /"ä" is no header name/,
    ],
    ['HTTPRoute', deep({ filters: [{ type: 'ExtensionRef' }] }), /filters: expected one of .* got "ExtensionRef"/],
    ['HTTPRoute', deep({ filters: 'all' }), /filters: expected a list/],
    ['HTTPRoute', deep({ timeouts: { request: '-1s' } }), /must not be negative/],
    ['HTTPRoute', deep({ timeouts: { backendRequest: '-1s' } }), /backendRequest: must not be negative/],
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
    ['TLSRoute', { parentRefs: [service], rules: [] }, /expected exactly one rule, got 0/, GATEWAY],
    ['TCPRoute', { parentRefs: [egress], rules: [{}] }, /must be referred to with a port/, GATEWAY],
    ['GRPCRoute', { parentRefs: [egress], rules: [] }, /must be referred to with a port/, GATEWAY],
    ['GRPCRoute', deep({ backendRefs: [{ name: 'a' }] }), /Service a must be referred to with a port/, GATEWAY],
    [
      'GRPCRoute',
      deep({ matches: [{ headers: [{ name: 'a', type: 'RegularExpression', value: '(' }] }] }),
      /no regular expression/,
      GATEWAY,
    ],
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
  const bad: Record<string, string> = {
    'timeout.linkerd.io/request': '1h30m',
    'retry.linkerd.io/grpc': 'never',
    'retry.linkerd.io/limit': '-1',
    'fault.weft.dev/delay': 'long',
    'balancer.weft.dev/backends': 'first',
  };
  for (const [kind, group] of [
    ['HTTPRoute', POLICY],
    ['HTTPRoute', GATEWAY],
    ['GRPCRoute', GATEWAY],
  ] as const)
    for (const [key, value] of Object.entries(bad))
      for (const parent of [service, { ...egress, port: 443 }])
        assert.match(
          review(kind, { parentRefs: [parent], rules: [] }, { [key]: value }, group),
          new RegExp(`${key}: "${value}"`),
        );
});

test('knows every access policy and every protocol', () => {
  const server = (more: object) => review('Server', { podSelector: {}, port: 80, ...more });
  for (const accessPolicy of [
    'deny',
    'audit',
    'all-unauthenticated',
    'all-authenticated',
    'cluster-unauthenticated',
    'cluster-authenticated',
  ])
    assert.equal(server({ accessPolicy }), 'allowed', accessPolicy);
  for (const proxyProtocol of ['unknown', 'HTTP/1', 'HTTP/2', 'gRPC', 'opaque', 'TLS'])
    assert.equal(server({ proxyProtocol }), 'allowed', proxyProtocol);
  assert.match(server({ accessPolicy: 'Deny' }), /accessPolicy: expected one of/);
});

test("what is allowed and still not fully used is warned of, and so are the Gateway API's objects that cannot be read", () => {
  const rule = (...types: string[]) => deep({ filters: types.map((type) => ({ type })) });
  assert.deepEqual(warnings('HTTPRoute', rule('RequestHeaderModifier', 'RequestRedirect'), {}, GATEWAY), []);
  assert.deepEqual(warnings('HTTPRoute', rule('URLRewrite', 'CORS', 'URLRewrite'), {}, GATEWAY), [
    "HTTPRoute: filters: URLRewrite is known to no other proxies than Weft's",
    'HTTPRoute: filters: CORS is not supported: what it belongs to is not used',
  ]);
  assert.deepEqual(
    warnings(
      'HTTPRoute',
      { parentRefs: [ref('Server')], rules: [{ filters: [{ type: 'RequestMirror' }] }] },
      {},
      GATEWAY,
    ),
    ["HTTPRoute: filters: RequestMirror is known to no other proxies than Weft's, and not on a Server"],
  );
  const backend = { name: 'a', port: 80, filters: [{ type: 'ExtensionRef' }] };
  assert.match(
    warnings('GRPCRoute', deep({ backendRefs: [backend] }), {}, GATEWAY)[0] ?? '',
    /backendRefs: filters: Ext/,
  );
  assert.deepEqual(warnings('HTTPRoute', deep({ matches: 'all' }), {}, GATEWAY), [
    'HTTPRoute: matches: expected a list: the mesh does not use it',
  ]);
  assert.deepEqual(warnings('TCPRoute', undefined, {}, GATEWAY), [
    'TCPRoute: spec is missing: the mesh does not use it',
  ]);
  assert.match(warnings('ServerAuthorization', { server: { name: 's' }, client: {} })[0] ?? '', /admits nobody/);
});

test('an object that is being deleted may change, however bad it is', () => {
  assert.equal(review('Server', { port: 0 }, {}, POLICY, { deletionTimestamp: '2026-01-01T00:00:00Z' }), 'allowed');
});

test('Servers that overlap are both admitted', () => {
  const spec = { podSelector: {}, port: 80 };
  for (const name of ['a', 'b']) assert.equal(review('Server', spec, {}, POLICY, { name }), 'allowed');
});
