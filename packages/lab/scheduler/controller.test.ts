import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { NODES, PODS } from '#api/kube';
import { FakeLab } from '../controllers/lab.fake.ts';
import { conditionOf, type Pod } from '../kinds/index.ts';
import type { Controller } from '../reconcile/index.ts';
import { schedulerController } from './controller.ts';

const controllers = [schedulerController] as unknown as Controller<never>[];
let lab = new FakeLab({ controllers });
const start = async () => {
  lab = await new FakeLab({ controllers }).start();
};
afterEach(() => {
  lab.stop();
  assert.deepEqual(lab.failures, []);
});

const node = (name: string, more: object = {}) =>
  lab.create(NODES, { metadata: { name, labels: { 'kubernetes.io/hostname': name } }, ...more });
const pod = (name: string, spec: object = {}) =>
  lab.create<Pod>(PODS, { metadata: { name }, spec: { containers: [], ...spec } });
const get = (name: string) => lab.get<Pod>(PODS, name);

test('a pending pod is bound, and told so', async () => {
  await start();
  await node('n1');
  await pod('a');
  await lab.settle();
  assert.equal((await get('a')).spec.nodeName, 'n1');
  assert.deepEqual(await lab.events(), ['Scheduled: Successfully assigned default/a to n1']);
});

test('a pod that fits nowhere waits with a reason until a node changes', async () => {
  await start();
  await node('n1', { spec: { unschedulable: true } });
  await pod('a');
  await lab.settle();
  const condition = conditionOf((await get('a')).status?.conditions, 'PodScheduled');
  assert.deepEqual([condition?.status, condition?.reason], ['False', 'Unschedulable']);
  assert.deepEqual(await lab.events(), ['FailedScheduling: 0/1 nodes are available: 1 node(s) were unschedulable.']);
  await lab.patch(NODES, 'n1', { spec: { unschedulable: null } });
  await lab.settle();
  assert.equal((await get('a')).spec.nodeName, 'n1');
});

test('pods created at once see each other', async () => {
  await start();
  for (const name of ['n1', 'n2']) await node(name, { status: { allocatable: { pods: '3' } } });
  await Promise.all(Array.from({ length: 7 }, (_, at) => pod(`p${at}`)));
  await lab.settle();
  const nodes = (await lab.list<Pod>(PODS)).map((each) => each.spec.nodeName ?? 'none').sort();
  assert.deepEqual(nodes, ['n1', 'n1', 'n1', 'n2', 'n2', 'n2', 'none']);
  await lab.delete(PODS, 'p0', { gracePeriodSeconds: 0 });
  await lab.settle();
  assert.ok((await lab.list<Pod>(PODS)).every((each) => each.spec.nodeName));
});

test('leaves alone what another scheduler shall place, and what is gated until the gate goes', async () => {
  await start();
  await node('n1');
  await pod('other', { schedulerName: 'mine' });
  await pod('gated', { schedulingGates: [{ name: 'x/y' }] });
  await lab.settle();
  assert.equal((await get('other')).spec.nodeName, undefined);
  assert.equal(conditionOf((await get('gated')).status?.conditions, 'PodScheduled')?.reason, 'SchedulingGated');
  await lab.patch(PODS, 'gated', { spec: { schedulingGates: [] } });
  await lab.settle();
  assert.equal((await get('gated')).spec.nodeName, 'n1');
});
