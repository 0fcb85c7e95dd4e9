import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { CONFIG_MAPS, DEPLOYMENTS, type Gvr, type KubeObject, PODS, REPLICA_SETS } from '#api/kube';
import type { Controller } from '../../reconcile/index.ts';
import { deploymentController } from '../deployment/index.ts';
import { Everything } from '../everything.ts';
import { deployment, FakeLab } from '../lab.fake.ts';
import { replicaSetController } from '../replicaset/index.ts';
import { garbageCollector } from './index.ts';

let lab: FakeLab;
let everything: Everything;
async function start(controllers: readonly unknown[] = []) {
  lab = await new FakeLab({ controllers: controllers as Controller<never>[] }).start();
  everything = new Everything(lab.cluster, lab.caches);
  lab.run(garbageCollector(everything) as unknown as Controller<never>);
  await lab.settle();
}
afterEach(() => {
  everything.stop();
  lab.stop();
  assert.deepEqual(lab.failures, []);
});

const widgets: Gvr = { group: 'example.com', version: 'v1', resource: 'widgets' };
const ownedBy = (owner: KubeObject, more: object = {}) => ({
  ownerReferences: [
    {
      apiVersion: owner.apiVersion ?? '',
      kind: owner.kind ?? '',
      name: owner.metadata.name ?? '',
      uid: owner.metadata.uid ?? '',
      ...more,
    },
  ],
});
const configMap = (name: string, metadata: object = {}) =>
  lab.create<KubeObject>(CONFIG_MAPS, { metadata: { name, ...metadata } });
const names = async (gvr: Gvr = CONFIG_MAPS) => (await lab.list(gvr)).map((object) => object.metadata.name);

test('what loses its owner goes, and what that owned in turn', async () => {
  await start();
  const a = await configMap('a');
  const b = await configMap('b', ownedBy(a));
  await configMap('c', ownedBy(b));
  await configMap('stranger');
  await lab.delete(CONFIG_MAPS, 'a');
  await lab.settle();
  assert.deepEqual(await names(), ['stranger']);
});

test('an owner that never existed, or was replaced under its name, counts as gone', async () => {
  await start();
  const a = await configMap('a');
  await configMap('b', ownedBy({ ...a, metadata: { ...a.metadata, uid: 'other' } }));
  await lab.settle();
  assert.deepEqual(await names(), ['a']);
});

test('an owner of a kind that nobody serves keeps its dependents', async () => {
  await start();
  await configMap('b', { ownerReferences: [{ apiVersion: 'x.io/v1', kind: 'Gone', name: 'x', uid: 'x' }] });
  await lab.settle();
  assert.deepEqual(await names(), ['b']);
});

test('of two owners the lost one is only taken off the list', async () => {
  await start();
  const [a, b] = [await configMap('a'), await configMap('b')];
  const ownerReferences = [...ownedBy(a).ownerReferences, ...ownedBy(b).ownerReferences];
  await configMap('c', { ownerReferences });
  await lab.delete(CONFIG_MAPS, 'a');
  await lab.settle();
  const c = await lab.get(CONFIG_MAPS, 'c');
  assert.deepEqual(
    c.metadata.ownerReferences?.map((reference) => reference.name),
    ['b'],
  );
});

test('foreground deletion keeps the owner until its blocking dependents are gone', async () => {
  await start();
  const a = await configMap('a');
  await configMap('b', { ...ownedBy(a, { blockOwnerDeletion: true }), finalizers: ['x/hold'] });
  await lab.settle();
  await lab.delete(CONFIG_MAPS, 'a', { propagationPolicy: 'Foreground' });
  await lab.settle();
  assert.deepEqual(await names(), ['a', 'b'], 'b is held by its finalizer, a waits for it');
  await lab.patch(CONFIG_MAPS, 'b', { metadata: { finalizers: null } });
  await lab.settle();
  assert.deepEqual(await names(), []);
});

test('orphaning strips the references and keeps the dependents', async () => {
  await start();
  const a = await configMap('a');
  await configMap('b', ownedBy(a));
  await lab.settle();
  await lab.delete(CONFIG_MAPS, 'a', { propagationPolicy: 'Orphan' });
  await lab.settle();
  assert.deepEqual(await names(), ['b']);
  assert.equal((await lab.get(CONFIG_MAPS, 'b')).metadata.ownerReferences, undefined);
});

test('custom resources take part from the moment they are served', async () => {
  await start();
  lab.cluster.serve({ gvr: widgets, kind: 'Widget', namespaced: true, verbs: ['list', 'watch', 'delete', 'get'] });
  const widget = await lab.create<KubeObject>(widgets, { metadata: { name: 'w' } });
  await configMap('b', ownedBy(widget));
  await lab.settle();
  await lab.delete(widgets, 'w');
  await lab.settle();
  assert.deepEqual(await names(), []);
});

test('a Deployment deleted in the foreground goes last of its tree', async () => {
  await start([deploymentController, replicaSetController]);
  await lab.create(DEPLOYMENTS, deployment('web', 2));
  await lab.converge();
  await lab.delete(DEPLOYMENTS, 'web', { propagationPolicy: 'Foreground' });
  await lab.settle();
  assert.deepEqual(await names(DEPLOYMENTS), ['web']);
  assert.equal((await lab.list(PODS)).length, 2, 'the pods shut down first');
  await lab.converge();
  for (const gvr of [PODS, REPLICA_SETS, DEPLOYMENTS]) assert.deepEqual(await names(gvr), []);
});

test('an orphaned tree is adopted by a new Deployment of the same template', async () => {
  await start([deploymentController, replicaSetController]);
  await lab.create(DEPLOYMENTS, deployment('web', 2));
  await lab.converge();
  const before = (await names(PODS)).sort();
  await lab.delete(DEPLOYMENTS, 'web', { propagationPolicy: 'Orphan' });
  await lab.settle();
  assert.deepEqual(await names(DEPLOYMENTS), []);
  await lab.create(DEPLOYMENTS, deployment('web', 2));
  await lab.converge();
  assert.deepEqual((await names(PODS)).sort(), before);
});
