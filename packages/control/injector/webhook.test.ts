import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AnyObject, Gvr, KubeObject } from '#api/kube';
import { FakeKubeClient } from '#kube/client';
import type { AdmissionRequest } from '#kube/webhook';
import { FakeClock } from '#runtime/clock';
import { FakeLog } from '#runtime/log';
import { WatchHealth } from '../fold/index.ts';
import { createControlMetrics } from '../process/index.ts';
import { createInjectorEvents } from './events.ts';
import { createInjector } from './index.ts';
import { Namespaces } from './namespaces.ts';
import { valuesOf } from './values.fake.ts';

const NAMESPACES: Gvr = { group: '', version: 'v1', resource: 'namespaces' };
const REPLICA_SETS: Gvr = { group: 'apps', version: 'v1', resource: 'replicasets' };
const EVENTS: Gvr = { group: '', version: 'v1', resource: 'events' };

function setUp() {
  const kube = new FakeKubeClient();
  const owner = [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'd' }];
  kube.seed(
    NAMESPACES,
    { metadata: { name: 'shop', annotations: { 'linkerd.io/inject': 'enabled' } } },
    { metadata: { name: 'plain' } },
  );
  kube.seed(REPLICA_SETS, { metadata: { name: 'web-5d', namespace: 'shop', ownerReferences: owner } });
  const metrics = createControlMetrics(() => 0);
  const log = new FakeLog();
  const clock = new FakeClock();
  const namespaces = new Namespaces({ kube, clock, health: new WatchHealth(metrics, clock), log: log.log });
  const admit = createInjector({
    kube,
    clock,
    namespaces,
    values: async () => valuesOf(),
    controlPlaneNamespace: 'linkerd',
    createdBy: 'test',
    events: createInjectorEvents(kube, log.log, () => Date.parse('2026-01-02T03:04:05Z')),
    metrics,
    log: log.log,
  });
  const ask = (
    kind: string,
    namespace: string,
    object: Partial<AnyObject>,
    operation: 'CREATE' | 'UPDATE' = 'CREATE',
  ) =>
    admit({
      uid: 'u',
      kind: { group: '', version: 'v1', kind },
      resource: { group: '', version: 'v1', resource: `${kind.toLowerCase()}s` },
      operation,
      namespace,
      object: { metadata: {}, ...object } as AnyObject,
    } satisfies AdmissionRequest);
  const events = async () => {
    await new Promise((resolve) => setTimeout(resolve, 1));
    return kube.all<KubeObject & { reason: string; message: string; involvedObject: { name: string; uid: string } }>(
      EVENTS,
    );
  };
  return { ask, kube, clock, metrics, events, log };
}
const spec = { containers: [{ name: 'app', ports: [{ containerPort: 3306 }] }] };

test('injects a pod of a Deployment, says so on it and counts it', async () => {
  const { ask, metrics, events } = setUp();
  const ownerReferences = [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-5d', uid: 'r' }];
  const answer = await ask('Pod', 'shop', {
    metadata: { generateName: 'web-5d-', ownerReferences, annotations: { 'config.linkerd.io/proxy-uid': 'x' } },
    spec,
  });
  assert.ok(answer.allowed);
  assert.ok(answer.patch?.some(({ path }) => path === '/spec/initContainers/1'));
  assert.ok(JSON.stringify(answer.patch).includes('"linkerd.io/proxy-deployment":"web"'));
  assert.match(answer.warnings?.[0] ?? '', /proxy-uid/);
  const [event] = await events();
  assert.equal(
    `${event?.reason} ${event?.involvedObject.name} ${event?.involvedObject.uid}: ${event?.message}`,
    'Injected web d: Linkerd sidecar proxy injected',
  );
  assert.ok(
    metrics
      .render()
      .includes(
        'proxy_inject_admission_requests_total{owner_kind="deployment",namespace="shop",annotation_at="namespace",proxy_uid="x"} 1',
      ),
  );
});

test('passes a pod that is not to be injected, with its opaque ports, and says why', async () => {
  const { ask, metrics, events } = setUp();
  const ownerReferences = [{ apiVersion: 'batch/v1', kind: 'Job', name: 'j', uid: 'j' }];
  const answer = await ask('Pod', 'plain', { metadata: { name: 'p', ownerReferences }, spec });
  assert.ok(answer.allowed && answer.patch?.length === 1);
  assert.match((await events())[0]?.message ?? '', /^Linkerd sidecar proxy injection skipped: neither the namespace/);
  assert.match(
    metrics.render(),
    /responses_total\{skip="true",skip_reason="injection_enable_annotation_absent",owner_kind="job"/,
  );
});

test('marks the opaque ports of a Service, and passes everything else', async () => {
  const { ask } = setUp();
  const answer = await ask('Service', 'shop', { metadata: { name: 's' }, spec: { ports: [{ port: 3306 }] } });
  assert.ok(answer.allowed && answer.patch?.length === 1);
  assert.deepEqual(await ask('ConfigMap', 'shop', {}), { allowed: true, warnings: [] });
});

test('what has no effect is a warning for who creates it, and a line of the log', async () => {
  const { ask, log } = setUp();
  const annotated = (annotations: Record<string, string>) => ({ metadata: { name: 'x', annotations } });
  const service = await ask('Service', 'plain', {
    ...annotated({ 'config.linkerd.io/opaque-ports': 'x/y' }),
    spec: { ports: [] },
  });
  assert.match(service.warnings?.join() ?? '', /^config\.linkerd\.io\/opaque-ports: expected a list of ports/);
  const skipped = await ask('Pod', 'plain', { ...annotated({ 'linkerd.io/inject': 'on' }), spec });
  assert.match(skipped.warnings?.join() ?? '', /got "on"; the pod gets no proxy$/);
  assert.equal(log.lines.filter((line) => line.includes('an annotation has no effect')).length, 2);
});

test('who writes a workload, a namespace or a changed Service is warned before there are pods', async () => {
  const { ask } = setUp();
  const slip = { 'config.linkerd.io/proxy-uid': 'me' };
  const warned = async (kind: string, object: object, operation: 'CREATE' | 'UPDATE' = 'CREATE') => {
    const answer = await ask(kind, 'gone', { metadata: { name: 'x' }, ...object }, operation);
    assert.ok(answer.allowed && !('patch' in answer));
    return answer.warnings?.join() ?? '';
  };
  const template = { metadata: { annotations: slip }, spec };
  assert.match(
    await warned('Deployment', { spec: { template } }),
    /^config\.linkerd\.io\/proxy-uid: expected the number/,
  );
  assert.match(await warned('CronJob', { spec: { jobTemplate: { spec: { template } } } }), /proxy-uid: expected/);
  assert.match(await warned('Namespace', { metadata: { annotations: { 'linkerd.io/inject': 'on' } } }), /got "on"/);
  const service = { metadata: { annotations: { 'config.linkerd.io/opaque-ports': '?' } } };
  assert.match(await warned('Service', service, 'UPDATE'), /opaque-ports: expected a list of ports/);
  assert.equal(
    await warned('StatefulSet', { metadata: { annotations: { 'linkerd.io/inject': 'enabled' } }, spec: {} }),
    'linkerd.io/inject: has no effect here; pods are annotated in spec.template.metadata.annotations',
  );
  assert.equal(await warned('Deployment', { metadata: {}, spec: { template: { spec } } }), '');
});

test('a pod without an owner, and one with several, have no event', async () => {
  const { ask, events } = setUp();
  const two = ['a', 'b'].map((name) => ({ apiVersion: 'v1', kind: 'X', name, uid: name }));
  await ask('Pod', 'shop', { metadata: { name: 'p' }, spec });
  await ask('Pod', 'shop', { metadata: { name: 'q', ownerReferences: two }, spec });
  assert.deepEqual(await events(), []);
});

test('a namespace that cannot be read fails the request, so that the failure policy decides', async () => {
  await assert.rejects(setUp().ask('Pod', 'gone', { spec }));
});

test('answers in time although the API server does not: by what it last heard of the namespace, or by a refusal', async () => {
  const turns = async () => {
    for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  };
  const silent = async (namespace: string) => {
    const scene = setUp();
    await turns();
    scene.kube.get = () => new Promise(() => {});
    const ownerReferences = [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-5d', uid: 'r' }];
    const answer = scene.ask('Pod', namespace, { metadata: { name: 'web-5d-x', ownerReferences }, spec });
    answer.catch(() => {}); // Whoever called sees it.
    for (const _ of ['the namespace', 'the owner']) {
      await turns();
      scene.clock.advance(3_000);
    }
    return answer;
  };
  const answer = await silent('shop');
  assert.ok(answer.allowed);
  assert.ok(answer.patch?.some(({ path }) => path === '/spec/initContainers/1'));
  await assert.rejects(silent('unheard'), /did not tell of namespaces "unheard" within 3 s/);
});
