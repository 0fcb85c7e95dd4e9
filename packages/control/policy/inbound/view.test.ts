import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { KubeObject } from '#api/kube';
import type { WorkloadToken } from '#model/names';
import { createControlMetrics } from '../../process/index.ts';
import { Refusal } from '../admission/refusal.ts';
import { ROUTE_SOURCES } from '../routes/index.ts';
import { readAuthorizationPolicy, readMeshTls, readNetworkAuthentication, readServerAuthorization } from './clients.ts';
import { feed, turn } from './feed.fake.ts';
import { policyOn, ref, server } from './listen.fake.ts';
import { measureInbound } from './measure.ts';
import { readRateLimit } from './rate-limits.ts';
import { readSelector } from './selector.ts';
import { readServer } from './servers.ts';

const LABELS = { app: 'web', tier: 'front' };

const pod = (labels: object = {}, ports: object[] = [{ name: 'http', containerPort: 80 }]) => ({
  metadata: { labels },
  spec: { containers: [{ name: 'app', ports }] },
});
const token = (name: string, namespace = 'shop'): WorkloadToken => ({ kind: 'pod', namespace, name });
const of = (app: string, port: number | string = 'http') => server({ podSelector: { matchLabels: { app } }, port });

/** Two pods in one namespace and one in another, each under its own Server, and who of them hears of a change. */
async function three() {
  const fed = feed();
  const heard: string[] = [];
  for (const key of ['shop/a', 'shop/b', 'other/a']) {
    const [namespace = '', name = ''] = key.split('/');
    fed.put('/pods', key, pod({ app: name }));
    fed.put('servers', key, of(name));
    fed.view.onPort(token(name, namespace), 80, () => heard.push(key));
  }
  await turn();
  return {
    ...fed,
    /** Those who hear of what `change` does, by name. */
    async told(change: () => void): Promise<string[]> {
      heard.length = 0;
      change();
      await turn();
      return [...heard].sort();
    },
  };
}

test('a change is told to those whose port it may concern, and to nobody else', async () => {
  const { put, remove, told } = await three();
  const account = [{ kind: 'ServiceAccount', name: 'x' }];
  const client = { unauthenticated: true };
  const parent = [{ group: 'policy.linkerd.io', kind: 'Server', name: 'a' }];
  const cases: [string, () => void, string[]][] = [
    ['a pod', () => put('/pods', 'shop/a', pod({ app: 'a', new: '1' })), ['shop/a']],
    ['a Server', () => put('servers', 'shop/a', server({ podSelector: { matchLabels: { app: 'a' } } })), ['shop/a']],
    ['a Server on a number', () => put('servers', 'shop/n', of('b', 80)), ['shop/b']],
    ['a Server on another port', () => put('servers', 'shop/n', of('b', 81)), ['shop/b']],
    ['a Server of nobody', () => put('servers', 'shop/m', of('nobody')), []],
    [
      'a ServerAuthorization by name',
      () => put('serverauthorizations', 'shop/z', { spec: { server: { name: 'a' }, client } }),
      ['shop/a'],
    ],
    [
      'a ServerAuthorization by labels',
      () =>
        put('serverauthorizations', 'shop/y', { spec: { server: { selector: { matchLabels: { x: 'y' } } }, client } }),
      [],
    ],
    ['a policy', () => put('authorizationpolicies', 'shop/p', policyOn('Server', 'b', account)), ['shop/b']],
    [
      'a policy of the namespace',
      () => put('authorizationpolicies', 'shop/q', policyOn('Namespace', 'shop', account, '')),
      ['shop/a', 'shop/b'],
    ],
    [
      'a policy of a missing route',
      () => put('authorizationpolicies', 'shop/r', policyOn('HTTPRoute', 'r', [ref('MeshTLSAuthentication', 'm')])),
      [],
    ],
    ['its route', () => put('httproutes', 'shop/r', { spec: { parentRefs: parent } }), ['shop/a']],
    [
      'what the policy requires',
      () => put('meshtlsauthentications', 'shop/m', { spec: { identities: ['x'] } }),
      ['shop/a'],
    ],
    [
      'what no policy requires',
      () => put('networkauthentications', 'shop/m', { spec: { networks: [{ cidr: '::/0' }] } }),
      [],
    ],
    ['the policy again', () => remove('authorizationpolicies', 'shop/r'), ['shop/a']],
    ['a rate limit', () => put('httplocalratelimitpolicies', 'shop/l', policyOn('Server', 'b')), ['shop/b']],
    ['the end of a Server', () => remove('servers', 'shop/a'), ['shop/a']],
    ['a route without a Server', () => put('httproutes', 'shop/r', { spec: { parentRefs: parent, rules: [] } }), []],
    ['the end of a pod', () => remove('/pods', 'shop/b'), ['shop/b']],
  ];
  for (const [what, change, expected] of cases) assert.deepEqual(await told(change), expected, what);
});

test('a list that comes again tells only of what differs', async () => {
  const { object, sinkOf, put, remove, told } = await three();
  const [a, b, other] = ['shop/a', 'shop/b', 'other/a'].map((key) => object(key, of(key.slice(-1))));
  assert.ok(a && b && other);
  await told(() => sinkOf('servers').reset([a, b, other]));
  const listed = await told(() => sinkOf('servers').reset([a, object('shop/b', of('b')), other]));
  assert.deepEqual(listed, ['shop/b']);
  assert.deepEqual(await told(() => sinkOf('servers').reset([b, other])), ['shop/a', 'shop/b']);
  const burst = await told(() => {
    for (let i = 0; i < 5; i++) put('servers', 'shop/x', of('b'));
    remove('servers', 'shop/x');
  });
  assert.deepEqual(burst, ['shop/b'], 'once for many changes');
});

test('of a change of very many Servers everyone in their namespace hears, and nobody elsewhere', async () => {
  const { put, told } = await three();
  const listed = await told(() => {
    for (let i = 0; i < 200; i++) put('servers', `shop/s${i}`, of('nobody'));
  });
  assert.deepEqual(listed, ['shop/a', 'shop/b']);
});

test('a named port may be several numbers, of init containers too, and of TCP only', () => {
  const { put, view } = feed();
  put('/pods', 'shop/a', {
    spec: {
      initContainers: [{ name: 'side', ports: [{ name: 'http', containerPort: 81 }] }],
      containers: [
        { name: 'one', ports: [{ name: 'http', containerPort: 82, protocol: 'TCP' }] },
        { name: 'two', ports: [{ name: 'http', containerPort: 83, protocol: 'UDP' }, { containerPort: 84 }] },
      ],
    },
  });
  put('servers', 'shop/s', server());
  put('servers', 'shop/undeclared', server({ port: 90 }));
  const subject = view.subject(token('a'));
  assert.ok(subject);
  const names = [80, 81, 82, 83, 84, 90].map((port) => view.serverAt(subject, port)?.name);
  assert.deepEqual(names, [undefined, 's', 's', undefined, undefined, 'undeclared']);
});

test('a Server by name and one by number are for the same port: the older has it', () => {
  const { put, view } = feed();
  put('/pods', 'shop/a', pod());
  put('servers', 'shop/a-young', { metadata: { creationTimestamp: '2026-01-02T00:00:00Z' }, ...server() });
  put('servers', 'shop/b-old', { metadata: { creationTimestamp: '2026-01-01T00:00:00Z' }, ...server({ port: 80 }) });
  put('servers', 'shop/c-old', { metadata: { creationTimestamp: '2026-01-01T00:00:00Z' }, ...server() });
  put('servers', 'shop/workloads', { spec: { externalWorkloadSelector: {}, port: 80 } });
  const subject = view.subject(token('a'));
  assert.equal(subject && view.serverAt(subject, 80)?.name, 'b-old');
});

test('selectors join what they require, and one that asks for nothing sensible selects nothing', () => {
  const cases: [object, boolean][] = [
    [{}, true],
    [{ matchLabels: { app: 'web', tier: 'front' } }, true],
    [{ matchLabels: { app: 'web', tier: 'back' } }, false],
    [{ matchExpressions: [{ key: 'app', operator: 'In', values: ['api', 'web'] }] }, true],
    [{ matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['web'] }] }, false],
    [{ matchExpressions: [{ key: 'absent', operator: 'NotIn', values: ['web'] }] }, true],
    [{ matchExpressions: [{ key: 'app', operator: 'Exists' }] }, true],
    [{ matchExpressions: [{ key: 'app', operator: 'DoesNotExist' }] }, false],
    [{ matchLabels: { app: 'web' }, matchExpressions: [{ key: 'tier', operator: 'DoesNotExist' }] }, false],
    [{ matchExpressions: [{ key: 'app', operator: 'In', values: [] }] }, false],
    [{ matchExpressions: [{ key: 'absent', operator: 'NotIn' }] }, false],
    [{ matchExpressions: [{ key: 'app', operator: 'Exists', values: ['web'] }] }, false],
    [{ matchExpressions: [{ key: 'absent', operator: 'DoesNotExist', values: ['web'] }] }, false],
    [{ matchExpressions: [{ key: 'app', operator: 'Near' }] }, false],
  ];
  for (const [selector, expected] of cases)
    assert.equal(readSelector(selector as Record<string, unknown>)(LABELS), expected, JSON.stringify(selector));
});

test('what cannot be read is refused and kept as it was, and never ends the watch', () => {
  const readers = [
    readServer,
    readServerAuthorization,
    readAuthorizationPolicy,
    readMeshTls,
    readNetworkAuthentication,
    readRateLimit,
  ];
  const fields = [
    'targetRef',
    'requiredAuthenticationRefs',
    'identities',
    'identityRefs',
    'networks',
    'server',
    'client',
  ];
  const more = ['podSelector', 'port', 'proxyProtocol', 'accessPolicy', 'total', 'identity', 'overrides', 'meshTLS'];
  const spec = fc.dictionary(fc.constantFrom(...fields, ...more), fc.jsonValue());
  fc.assert(
    fc.property(fc.constantFrom(...readers), fc.oneof(spec, fc.jsonValue()), (read, anything) => {
      try {
        read({ metadata: { name: 'x', namespace: 'y' }, spec: anything } as KubeObject);
      } catch (error) {
        assert.ok(error instanceof Refusal, String(error));
      }
    }),
  );
  const { put, view, skipped } = feed();
  put('servers', 'shop/s', server({ port: 80 }));
  put('servers', 'shop/s', server({ port: { number: 81 } }));
  put('networkauthentications', 'shop/n', { spec: { networks: [] } });
  assert.equal(view.server('shop/s')?.port, 80);
  assert.deepEqual(skipped, ['servers shop/s', 'networkauthentications shop/n']);
});

test('metrics say how many objects of a kind each namespace has', async () => {
  const { put, remove, view, routes } = feed();
  const metrics = createControlMetrics(() => 0);
  measureInbound(view, routes, metrics);
  put('/pods', 'shop/a', pod());
  put('/pods', 'shop/b', pod());
  put('servers', 'other/s', server());
  const [http] = ROUTE_SOURCES;
  assert.ok(http);
  const parentRefs = [{ kind: 'Server', name: 's' }];
  put(`${http.gvr.group}/${http.gvr.resource}`, 'other/r', { spec: { parentRefs } });
  put(`${http.gvr.group}/${http.gvr.resource}`, 'other/out', {
    spec: { parentRefs: [{ group: '', kind: 'Service', name: 's' }] },
  });
  const sizes = () =>
    metrics
      .render()
      .split('\n')
      .filter((line) => line.startsWith('inbound_index_'));
  assert.deepEqual(sizes(), [
    'inbound_index_http_route_index_size{namespace="other"} 1',
    'inbound_index_pod_index_size{namespace="shop"} 2',
    'inbound_index_server_index_size{namespace="other"} 1',
  ]);
  remove('/pods', 'shop/a');
  remove('servers', 'other/s');
  assert.ok(sizes().includes('inbound_index_pod_index_size{namespace="shop"} 1'));
  assert.ok(sizes().includes('inbound_index_server_index_size{namespace="other"} 0'));
});
