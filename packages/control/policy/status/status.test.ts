import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONTROLLER_NAME } from './index.ts';
import { clusterIp, type Kind, out, POLICY, Scene, server, web } from './scene.fake.ts';

test('a route is accepted by a Server that is there and not by one that is missing, until it comes', async () => {
  const scene = new Scene()
    .put('Server', 'http')
    .put('PolicyHttp', 'r', { spec: { parentRefs: [server(), server('later')] } });
  await scene.replica();
  assert.deepEqual(scene.told('PolicyHttp', 'r'), [
    'policy.linkerd.io/Server/shop/http: Accepted=True Accepted',
    'policy.linkerd.io/Server/shop/later: Accepted=False NoMatchingParent Server not found shop/later',
  ]);
  const [entry] = scene.parents('PolicyHttp', 'r');
  assert.deepEqual(entry, {
    parentRef: { group: POLICY, kind: 'Server', namespace: 'shop', name: 'http' },
    controllerName: 'linkerd.io/policy-controller',
    conditions: [
      {
        type: 'Accepted',
        status: 'True',
        reason: 'Accepted',
        message: '',
        lastTransitionTime: '2026-01-01T00:00:00Z',
        observedGeneration: 1,
      },
    ],
  });
  scene.put('Server', 'later');
  await scene.pass(10_000);
  assert.equal(scene.told('PolicyHttp', 'r')[1], 'policy.linkerd.io/Server/shop/later: Accepted=True Accepted');
});

test('a Service without a ClusterIP takes no routes, and references are resolved in the namespace of the parent', async () => {
  const scene = new Scene()
    .put('Service', 'web', clusterIp)
    .put('Service', 'headless', { spec: { clusterIP: 'None', ports: [{ port: 80 }] } })
    .put('Service', 'next', { metadata: { namespace: 'other' }, ...clusterIp })
    .put('Service', 'front', { metadata: { namespace: 'other' }, ...clusterIp })
    .put('Http', 'headless', { spec: { parentRefs: [web({ name: 'headless' })] } })
    .put('Http', 'producer', {
      spec: { parentRefs: [web({ port: 80 })], rules: [{ backendRefs: [{ name: 'next', port: 80 }] }] },
    })
    .put('Http', 'consumer', {
      spec: {
        parentRefs: [web({ namespace: 'other', name: 'front' })],
        rules: [{ backendRefs: [{ name: 'next', port: 80 }] }],
      },
    })
    .put('Grpc', 'kinds', {
      spec: { parentRefs: [web({ port: 81 })], rules: [{ backendRefs: [{ kind: 'Pod', name: 'p' }] }] },
    });
  await scene.replica();
  assert.deepEqual(scene.told('Http', 'headless'), [
    'core/Service/shop/headless: Accepted=False NoMatchingParent parent service must have a ClusterIP',
    'core/Service/shop/headless: ResolvedRefs=True ResolvedRefs',
  ]);
  assert.deepEqual(scene.told('Http', 'producer'), [
    'core/Service/shop/web:80 Accepted=True Accepted',
    'core/Service/shop/web:80 ResolvedRefs=False BackendNotFound Service not found next',
  ]);
  assert.deepEqual(scene.told('Http', 'consumer'), [
    'core/Service/other/front: Accepted=True Accepted',
    'core/Service/other/front: ResolvedRefs=True ResolvedRefs',
  ]);
  assert.match(scene.told('Grpc', 'kinds')[1] ?? '', /ResolvedRefs=False InvalidKind backends of kind pod/);
});

test('a GRPCRoute takes the place of routes of lower kinds on the very same parent', async () => {
  const scene = new Scene()
    .put('Service', 'web', clusterIp)
    .put('Grpc', 'calls', { spec: { parentRefs: [web()] } })
    .put('Http', 'pages', { spec: { parentRefs: [web(), web({ port: 80 })] } })
    .put('Tls', 'names', { spec: { parentRefs: [web({ port: 80 })] } })
    .put('Tcp', 'bytes', { spec: { parentRefs: [web({ port: 81 })] } });
  await scene.replica();
  const accepted = (kind: Kind, name: string) =>
    scene
      .told(kind, name)
      .filter((line) => line.includes('Accepted='))
      .map((line) => line.replace(/^core.Service.shop.web:(\d*) Accepted=(\w+) (\w+).*/, '$1 $3').trim());
  assert.deepEqual(accepted('Grpc', 'calls'), ['Accepted']);
  assert.deepEqual(accepted('Http', 'pages'), ['RouteReasonConflicted', '80 Accepted']);
  assert.deepEqual(accepted('Tls', 'names'), ['80 RouteReasonConflicted']);
  assert.deepEqual(accepted('Tcp', 'bytes'), ['81 Accepted']);
});

test('an EgressNetwork within the cluster is not accepted, nor are its routes', async () => {
  const scene = new Scene()
    .put('EgressNetwork', 'out', { spec: { trafficPolicy: 'Deny' } })
    .put('EgressNetwork', 'inside', { spec: { trafficPolicy: 'Deny', networks: [{ cidr: '10.1.0.0/16' }] } })
    .put('EgressNetwork', 'odd', { spec: { trafficPolicy: 'Deny', networks: [{ cidr: 'all' }] } })
    .put('Tcp', 'good', { spec: { parentRefs: [out()], rules: [{ backendRefs: [out()] }] } })
    .put('Tcp', 'bad', { spec: { parentRefs: [out({ name: 'inside' })], rules: [{ backendRefs: [out()] }] } });
  await scene.replica();
  const conditions = (name: string) => scene.conditions('EgressNetwork', name);
  assert.deepEqual(conditions('out'), ['Accepted=True Accepted']);
  assert.deepEqual(conditions('inside'), [
    'Accepted=False EgressReasonNetworkOverlap networks overlap with clusterNetworks',
  ]);
  assert.deepEqual(conditions('odd'), ['Accepted=False Invalid cidr: expected a network or an IP address, got "all"']);
  assert.deepEqual(scene.told('Tcp', 'good'), [
    'policy.linkerd.io/EgressNetwork/shop/out:443 Accepted=True Accepted',
    'policy.linkerd.io/EgressNetwork/shop/out:443 ResolvedRefs=True ResolvedRefs',
  ]);
  assert.deepEqual(scene.told('Tcp', 'bad'), [
    'policy.linkerd.io/EgressNetwork/shop/inside:443 Accepted=False NoMatchingParent EgressNetwork parent has not been accepted',
    'policy.linkerd.io/EgressNetwork/shop/inside:443 ResolvedRefs=False InvalidKind EgressNetwork out is a backend of its own routes only',
  ]);
});

test('of several rate limits of a Server the oldest counts, and one without a Server has no target', async () => {
  const limit = (name: string) => ({ targetRef: server(name), total: { requestsPerSecond: 5 } });
  const scene = new Scene()
    .put('Server', 'http')
    .put('RateLimit', 'young', { metadata: { creationTimestamp: '2026-01-02T00:00:00Z' }, spec: limit('http') })
    .put('RateLimit', 'old', { spec: limit('http') })
    .put('RateLimit', 'lost', { spec: limit('missing') });
  await scene.replica();
  const told = (name: string) => {
    const { conditions, targetRef } = scene.status('RateLimit', name) as Record<string, Record<string, string>[]>;
    assert.deepEqual(targetRef, { group: POLICY, kind: 'Server', name: name === 'lost' ? 'missing' : 'http' });
    return conditions?.map(({ status, reason, observedGeneration }) => [status, reason, observedGeneration]);
  };
  assert.deepEqual(told('old'), [['True', 'Accepted', 1]]);
  assert.deepEqual(told('young'), [['False', 'RateLimitReasonAlreadyExists', 1]]);
  assert.deepEqual(told('lost'), [['False', 'NoMatchingTarget', 1]]);
});

test('an EgressNetwork whose exceptions lie elsewhere is told of, and counts as it is written', async () => {
  const networks = (...except: string[]) => [{ cidr: '203.0.113.0/24', except }];
  const put = (generation: number, ...except: string[]) =>
    scene.put('EgressNetwork', 'out', {
      metadata: { generation },
      spec: { trafficPolicy: 'Deny', networks: networks(...except) },
      status: scene.status('EgressNetwork', 'out'),
    });
  const scene = new Scene();
  put(1, '198.51.100.0/24');
  await scene.replica();
  assert.deepEqual(scene.conditions('EgressNetwork', 'out'), [
    'Accepted=True Accepted',
    "PartiallyInvalid=True UnsupportedValue cidr '203.0.113.0/24' does not include exception '198.51.100.0/24'; it counts as it is written",
  ]);
  put(2, '0.0.0.0/0');
  await scene.pass(1000);
  assert.match(scene.conditions('EgressNetwork', 'out')[1] ?? '', /completely negated by exception '0.0.0.0\/0'/);
  put(3, '203.0.113.7');
  await scene.pass(1000);
  assert.deepEqual(scene.conditions('EgressNetwork', 'out'), ['Accepted=True Accepted']);
});

test('a rate limit that admission would have refused is told of with what was expected and seen', async () => {
  const rates = (identity: number, total: number) => ({
    identity: { requestsPerSecond: identity },
    total: { requestsPerSecond: total },
  });
  const scene = new Scene()
    .put('Server', 'http')
    .put('Server', 'other')
    .put('RateLimit', 'high', { spec: { targetRef: server('http'), ...rates(200, 100) } })
    .put('RateLimit', 'none', { spec: { targetRef: server('other'), ...rates(1, 0) } })
    .put('RateLimit', 'lost', { spec: { targetRef: server('gone'), ...rates(1, 2) } })
    .put('RateLimit', 'odd', { spec: { targetRef: { group: 'apps', kind: 'Deployment', name: 'web' } } });
  await scene.replica();
  const told = (name: string) => scene.conditions('RateLimit', name);
  assert.deepEqual(told('high'), [
    'Accepted=True Accepted',
    'PartiallyInvalid=True UnsupportedValue identity: requestsPerSecond (200) must not exceed that of total (100); it counts as it is written',
  ]);
  assert.deepEqual(told('none'), [
    'Accepted=False Invalid requestsPerSecond: expected a whole number above 0, got 0; it limits nothing',
  ]);
  assert.deepEqual(told('lost'), ['Accepted=False NoMatchingTarget there is no Server gone in the namespace']);
  assert.deepEqual(told('odd'), [
    'Accepted=False NoMatchingTarget targetRef: expected a Server.policy.linkerd.io, got Deployment.apps',
  ]);
});

test('a rate limit that turns unreadable is told of with its new generation, and still counts as it was', async () => {
  const spec = { targetRef: server(), total: { requestsPerSecond: 5 } };
  const scene = new Scene().put('Server', 'http').put('RateLimit', 'l', { spec });
  await scene.replica();
  for (const generation of [2, 3]) {
    scene.put('RateLimit', 'l', {
      metadata: { generation },
      spec: { ...spec, total: { requestsPerSecond: '5' } },
      status: scene.status('RateLimit', 'l'),
    });
    await scene.pass(1000);
    assert.deepEqual(scene.conditions('RateLimit', 'l'), [
      'Accepted=False Invalid requestsPerSecond: expected a whole number above 0, got "5"; the last version that could be read stays in use',
    ]);
    assert.match(JSON.stringify(scene.status('RateLimit', 'l')), new RegExp(`"observedGeneration":${generation}`));
  }
  scene.put('RateLimit', 'l', { metadata: { generation: 4 }, spec, status: scene.status('RateLimit', 'l') });
  await scene.pass(1000);
  assert.deepEqual(scene.conditions('RateLimit', 'l'), ['Accepted=True Accepted']);
});

test('filters that nobody knows, those that only our proxies know, and bad annotations are told of', async () => {
  const rules = (...filters: object[]) => [{ filters }];
  const mirror = { type: 'RequestMirror', requestMirror: { backendRef: { name: 'copy', port: 80 } } };
  const scene = new Scene()
    .put('Service', 'web', clusterIp)
    .put('Http', 'cors', { spec: { parentRefs: [web()], rules: rules({ type: 'CORS' }) } })
    .put('Http', 'own', {
      metadata: { annotations: { 'fault.weft.dev/delay': '1s' } },
      spec: { parentRefs: [web()], rules: rules({ type: 'URLRewrite', urlRewrite: {} }, mirror) },
    })
    .put('Http', 'bad', {
      metadata: { annotations: { 'retry.linkerd.io/http': 'often' } },
      spec: {
        parentRefs: [web()],
        rules: [
          { backendRefs: [{ name: 'web', port: 80, filters: [{ type: 'ExtensionRef' }] }], retry: { attempts: 2 } },
          { retry: { codes: [503] }, sessionPersistence: {} },
        ],
      },
    })
    .put('Grpc', 'unreadable', {
      spec: { parentRefs: [web({ port: 81 })], rules: [{ matches: [{ method: { type: 'RegularExpression' } }] }] },
    });
  await scene.replica();
  const at = 'core/Service/shop/web:';
  assert.deepEqual(scene.told('Http', 'cors')[0], `${at} Accepted=False UnsupportedValue filter CORS is not supported`);
  assert.deepEqual(scene.told('Http', 'own'), [
    `${at} Accepted=True Accepted`,
    `${at} ResolvedRefs=False BackendNotFound Service not found copy`,
    `${at} weft.dev/Portable=False NeedsProxyFeatures only Weft's proxies know URLRewrite (others do without the route), RequestMirror (others copy no requests), fault.weft.dev/delay (others delay no requests)`,
  ]);
  assert.deepEqual(scene.told('Http', 'bad'), [
    `${at} Accepted=True Accepted`,
    `${at} ResolvedRefs=True ResolvedRefs`,
    `${at} PartiallyInvalid=True UnsupportedValue retry.linkerd.io/http: "often": expected statuses, ranges such as 500-504, 5xx or gateway-error (502 to 504), by commas: it counts as not set; retry of a rule is not supported, the annotation retry.linkerd.io/http is: it counts as not set; sessionPersistence of a rule is not supported: it counts as not set; filter ExtensionRef of backend web is not supported: requests to it fail`,
  ]);
  assert.match(scene.told('Grpc', 'unreadable')[0] ?? '', /Accepted=False UnsupportedValue matches: method/);
});

test('a route that turns unreadable is told of with its new generation, and still counts as it was', async () => {
  const good = { spec: { parentRefs: [web()], rules: [] } };
  const scene = new Scene().put('Service', 'web', clusterIp).put('Grpc', 'r', good);
  await scene.replica();
  scene.put('Grpc', 'r', {
    metadata: { generation: 2 },
    spec: { parentRefs: [web()], rules: [{ matches: [{ method: { type: 'RegularExpression' } }] }] },
    status: scene.status('Grpc', 'r'),
  });
  await scene.pass(1000);
  assert.match(
    scene.told('Grpc', 'r')[0] ?? '',
    /Accepted=False UnsupportedValue matches: .*; the last version that could be read stays in use/,
  );
  assert.match(JSON.stringify(scene.status('Grpc', 'r')), /"observedGeneration":2/);
});

test("others' entries stay, ours of a removed parent go, and what is as it should be is not written", async () => {
  const foreign = {
    controllerName: 'example.test/gateway',
    parentRef: { kind: 'Gateway', name: 'edge' },
    conditions: [{ type: 'Accepted', status: 'True', reason: 'Accepted', message: '', lastTransitionTime: 'then' }],
  };
  const gone = {
    controllerName: CONTROLLER_NAME,
    parentRef: { group: 'core', kind: 'Service', name: 'gone' },
    conditions: [],
  };
  const since = {
    controllerName: CONTROLLER_NAME,
    parentRef: { group: 'core', kind: 'Service', namespace: 'shop', name: 'web' },
    conditions: [
      {
        type: 'Accepted',
        status: 'True',
        reason: 'Accepted',
        message: '',
        lastTransitionTime: '2020-01-01T00:00:00Z',
        observedGeneration: 1,
      },
    ],
  };
  const scene = new Scene()
    .put('Service', 'web', clusterIp)
    .put('Http', 'r', {
      metadata: { generation: 7 },
      spec: { parentRefs: [{ name: 'edge' }, web()] },
      status: { parents: [foreign, gone, since] },
    })
    .put('Http', 'gateway-only', { spec: { parentRefs: [{ name: 'edge' }] }, status: { parents: [foreign] } })
    .put('Http', 'moved', { spec: { parentRefs: [{ name: 'edge' }] }, status: { parents: [gone] } });
  await scene.replica();
  const parents = scene.parents('Http', 'r');
  assert.deepEqual(
    parents.map(({ parentRef }) => parentRef['name']),
    ['web', 'edge'],
  );
  assert.deepEqual(parents[1], foreign);
  assert.deepEqual(
    parents[0]?.conditions.map(({ type, lastTransitionTime, observedGeneration }) => [
      type,
      lastTransitionTime,
      observedGeneration,
    ]),
    [
      ['Accepted', '2020-01-01T00:00:00Z', 7],
      ['ResolvedRefs', '2026-01-01T00:00:00Z', 7],
    ],
  );
  assert.deepEqual(scene.status('Http', 'moved'), { parents: [] });
  const before = scene.patches();
  assert.deepEqual(before.sort(), ['httproutes/status shop/moved', 'httproutes/status shop/r']);
  await scene.pass(25_000);
  assert.equal(scene.patches().length, 2);
});

test('a change is followed at once, and a parent that goes is told of', async () => {
  const scene = new Scene().put('Service', 'web', clusterIp).put('Http', 'r', { spec: { parentRefs: [web()] } });
  await scene.replica();
  await scene.remove('Service', 'web');
  await scene.pass(100);
  assert.match(scene.told('Http', 'r')[0] ?? '', /Accepted=False NoMatchingParent Service not found shop\/web/);
  const [entry] = scene.parents('Http', 'r');
  assert.equal(entry?.conditions[0]?.['lastTransitionTime'], '2026-01-01T00:00:00Z');
});

test('a status is written in the version in which the route was read', async () => {
  const asked: string[] = [];
  const scene = new Scene().put('Service', 'web', clusterIp).put('Tls', 'old', {
    apiVersion: 'gateway.networking.k8s.io/v1alpha2',
    spec: { parentRefs: [web({ port: 80 })], rules: [] },
  });
  scene.kube.refuse = (verb, { resource, version }) => {
    if (resource === 'tlsroutes') asked.push(`${verb} ${version}`);
    return undefined;
  };
  await scene.replica();
  await scene.pass(10_000);
  assert.deepEqual(asked, ['list v1', 'patch v1alpha2']);
});
