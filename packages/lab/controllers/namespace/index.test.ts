import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { CONFIG_MAPS, DEPLOYMENTS, type Gvr, NAMESPACES, SERVICE_ACCOUNTS } from '#api/kube';
import { conditionOf, type Namespace, type Secret } from '../../kinds/index.ts';
import type { Controller } from '../../reconcile/index.ts';
import { deploymentController } from '../deployment/index.ts';
import { Everything } from '../everything.ts';
import { deployment, FakeLab } from '../lab.fake.ts';
import { replicaSetController } from '../replicaset/index.ts';
import { defaultAccountController, rootCaController } from '../service-account/index.ts';
import { namespaceController } from './index.ts';

const caPem = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';
const all = [
  deploymentController,
  replicaSetController,
  defaultAccountController,
  rootCaController(caPem),
] as unknown as Controller<never>[];
let lab: FakeLab;
let everything: Everything;
async function start() {
  lab = await new FakeLab({ controllers: all }).start();
  everything = new Everything(lab.cluster, lab.caches);
  lab.run(namespaceController(everything) as unknown as Controller<never>);
  await lab.settle();
}
afterEach(() => {
  everything.stop();
  lab.stop();
  assert.deepEqual(lab.failures, []);
});

const widgets: Gvr = { group: 'example.com', version: 'v1', resource: 'widgets' };

test('a deleted namespace empties itself, running workloads and custom resources included, and goes', async () => {
  await start();
  lab.cluster.serve({ gvr: widgets, kind: 'Widget', namespaced: true, verbs: ['list', 'watch', 'delete', 'get'] });
  await lab.create(DEPLOYMENTS, deployment('web', 2));
  await lab.create(widgets, { metadata: { name: 'w' } });
  await lab.converge();
  await lab.delete(NAMESPACES, 'default');
  await lab.clock.advance(2_000);
  for (let turn = 0; turn < 5; turn++) await lab.kubelet();
  await lab.clock.advance(2_000);
  const left = lab.cluster
    .resources()
    .map(async ({ gvr }) => (await lab.list(gvr)).map((each) => `${gvr.resource}/${each.metadata.name}`));
  assert.deepEqual((await Promise.all(left)).flat(), []);
});

test('what holds a namespace back is told in its conditions', async () => {
  await start();
  await lab.create(CONFIG_MAPS, { metadata: { name: 'held', finalizers: ['x/hold'] } });
  await lab.delete(NAMESPACES, 'default');
  await lab.clock.advance(2_000);
  const { status } = await lab.get<Namespace>(NAMESPACES, 'default');
  assert.equal(status?.phase, 'Terminating');
  assert.equal(conditionOf(status?.conditions, 'NamespaceDeletionContentFailure')?.status, 'False');
  assert.match(
    conditionOf(status?.conditions, 'NamespaceContentRemaining')?.message ?? '',
    /configmaps\. has 1 resource instances/,
  );
  assert.match(
    conditionOf(status?.conditions, 'NamespaceFinalizersRemaining')?.message ?? '',
    /x\/hold in 1 resource instances/,
  );
  await lab.patch(CONFIG_MAPS, 'held', { metadata: { finalizers: null } });
  await lab.clock.advance(2_000);
  assert.equal(await lab.has(NAMESPACES, 'default'), false);
});

test('every namespace has its default account and the CA, also after somebody removed or changed them', async () => {
  await start();
  assert.ok(await lab.has(SERVICE_ACCOUNTS, 'default'));
  await lab.delete(SERVICE_ACCOUNTS, 'default');
  await lab.patch(CONFIG_MAPS, 'kube-root-ca.crt', { data: { 'ca.crt': 'forged', more: 'x' } });
  await lab.settle();
  assert.ok(await lab.has(SERVICE_ACCOUNTS, 'default'));
  const map = await lab.get<Secret>(CONFIG_MAPS, 'kube-root-ca.crt');
  assert.deepEqual(map.data, { 'ca.crt': caPem });
});
