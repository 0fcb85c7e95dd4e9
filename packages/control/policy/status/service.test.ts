import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import type { AnyObject } from '#api/kube';
import { FakeCluster, GVRS, type Scene, startScene, until } from '../scene.fake.ts';
import { WRITE_LEASE } from './index.ts';

// What is told of routes, and what proxies hear, from one running service.
const scenes: Scene[] = [];
afterEach(async () => {
  for (const scene of scenes.splice(0)) await scene.close();
});
const statusWriter = {
  controlPlaneNamespace: 'linkerd',
  identity: 'policy-0',
  deployment: 'linkerd-destination',
  patchTimeoutMs: 1000,
};
async function start(cluster: FakeCluster): Promise<Scene> {
  const scene = await startScene(cluster, { statusWriter });
  scenes.push(scene);
  return scene;
}

const service = (clusterIP: string) => ({ spec: { clusterIP, ports: [{ port: 80 }] } });
const route = (more: object = {}) => ({
  metadata: { creationTimestamp: '2026-01-01T00:00:00Z', generation: 3 },
  spec: { parentRefs: [{ group: '', kind: 'Service', name: 'web' }], rules: [{}], ...more },
});
const reasons = (cluster: FakeCluster, kind: 'HTTPRoute' | 'GRPCRoute', name: string): string[] => {
  const found = cluster.kube.all<AnyObject>(GVRS[kind]).find(({ metadata }) => metadata.name === name);
  const { parents = [] } = (found?.['status'] ?? {}) as { parents?: { conditions: Record<string, unknown>[] }[] };
  return parents.flatMap(({ conditions }) => conditions.map(({ status, reason }) => `${status} ${reason}`));
};
const names = (heard: ReturnType<Scene['traffic']>): (string | undefined)[] => {
  const kind = heard.last.protocol?.kind;
  const routes = kind?.case === 'grpc' ? kind.value.routes : kind?.case === 'detect' ? kind.value.http1?.routes : [];
  return (routes ?? []).map(({ metadata }) => {
    const named = metadata?.kind;
    return named?.case === 'resource' ? named.value.name : named?.value;
  });
};

test('an HTTPRoute beside a GRPCRoute is in conflict, and proxies speak gRPC; when that goes, it takes its place', async () => {
  const cluster = new FakeCluster()
    .put('Service', 'shop/web', service('10.96.0.9'))
    .put('HTTPRoute', 'shop/pages', route())
    .put('GRPCRoute', 'shop/calls', route());
  const scene = await start(cluster);
  const heard = scene.traffic('10.96.0.9:80');
  await until(() => reasons(cluster, 'HTTPRoute', 'pages').length > 0 && heard.all.length > 0);
  assert.deepEqual(reasons(cluster, 'HTTPRoute', 'pages'), ['False RouteReasonConflicted', 'True ResolvedRefs']);
  assert.deepEqual(reasons(cluster, 'GRPCRoute', 'calls'), ['True Accepted', 'True ResolvedRefs']);
  assert.equal(heard.last.protocol?.kind.case, 'grpc');
  const [lease] = cluster.kube.all<AnyObject>({ group: 'coordination.k8s.io', version: 'v1', resource: 'leases' });
  assert.equal(lease?.metadata.name, WRITE_LEASE);

  await cluster.remove('GRPCRoute', 'shop/calls');
  await until(() => reasons(cluster, 'HTTPRoute', 'pages')[0] === 'True Accepted');
  assert.deepEqual([heard.last.protocol?.kind.case, names(heard)], ['detect', ['pages']]);
  assert.equal(heard.all.length, 2, 'writing a status is no news to proxies');
});

test('routes of a headless Service are not accepted, and its proxies do without them', async () => {
  const cluster = new FakeCluster().put('Service', 'shop/web', service('None')).put('HTTPRoute', 'shop/pages', route());
  const scene = await start(cluster);
  const heard = scene.traffic('web.shop.svc.cluster.local:80');
  await until(() => reasons(cluster, 'HTTPRoute', 'pages').length > 0 && heard.all.length > 0);
  assert.equal(reasons(cluster, 'HTTPRoute', 'pages')[0], 'False NoMatchingParent');
  assert.deepEqual(names(heard), ['http']);
});
