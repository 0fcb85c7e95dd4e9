import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { PODS, REPLICA_SETS, REPLICATION_CONTROLLERS } from '#api/kube';
import type { Pod, ReplicaSet } from '../../kinds/index.ts';
import type { Controller } from '../../reconcile/index.ts';
import { FakeLab, template } from '../lab.fake.ts';
import { replicaSetController, replicationControllerController } from './index.ts';
import { victims } from './victims.ts';

const controllers = [replicaSetController, replicationControllerController] as unknown as Controller<never>[];
let lab = new FakeLab({ controllers });
const start = async () => {
  lab = await new FakeLab({ controllers }).start();
};
afterEach(() => {
  lab.stop();
  assert.deepEqual(lab.failures, []);
});

const replicaSet = (replicas: number, spec: object = {}) => ({
  metadata: { name: 'web' },
  spec: { replicas, selector: { matchLabels: { app: 'web' } }, template: template('web'), ...spec },
});

test('creates exactly the wanted pods, with the template, the owner and events', async () => {
  await start();
  await lab.create(REPLICA_SETS, replicaSet(20));
  await lab.settle();
  const pods = await lab.activePods();
  assert.equal(pods.length, 20);
  assert.match(pods[0]?.metadata.name ?? '', /^web-[b-z2-9]{5}$/);
  assert.deepEqual(pods[0]?.metadata.labels, { app: 'web' });
  assert.equal(pods[0]?.metadata.ownerReferences?.[0]?.controller, true);
  assert.equal(
    (await lab.events()).filter((event) => event.startsWith('SuccessfulCreate: Created pod: web-')).length,
    20,
  );
});

test('adopts a matching pod without owner and releases one whose labels changed', async () => {
  await start();
  await lab.create(PODS, { metadata: { name: 'stray', labels: { app: 'web' } }, spec: { containers: [] } });
  await lab.create(REPLICA_SETS, replicaSet(1));
  await lab.settle();
  assert.deepEqual(
    (await lab.activePods()).map((pod) => pod.metadata.name),
    ['stray'],
  );
  await lab.patch(PODS, 'stray', { metadata: { labels: { app: 'debug' } } });
  await lab.settle();
  const pods = await lab.activePods();
  assert.equal(pods.length, 2);
  assert.equal(pods.find((pod) => pod.metadata.name === 'stray')?.metadata.ownerReferences, undefined);
});

test('replaces a pod that failed', async () => {
  await start();
  await lab.create(REPLICA_SETS, replicaSet(1));
  await lab.kubelet();
  const [pod] = await lab.activePods();
  await lab.patch(PODS, pod?.metadata.name ?? '', { status: { phase: 'Failed' } }, 'status');
  await lab.settle();
  assert.notEqual((await lab.activePods())[0]?.metadata.name, pod?.metadata.name);
});

test('a pod counts as available only after minReadySeconds', async () => {
  await start();
  await lab.create(REPLICA_SETS, replicaSet(1, { minReadySeconds: 30 }));
  await lab.kubelet();
  await lab.clock.advance(29_000);
  assert.equal((await lab.get<ReplicaSet>(REPLICA_SETS, 'web')).status?.availableReplicas, undefined);
  await lab.clock.advance(2_000);
  assert.equal((await lab.get<ReplicaSet>(REPLICA_SETS, 'web')).status?.availableReplicas, 1);
});

test('scaling down deletes each surplus pod once and tells of it', async () => {
  await start();
  await lab.create(REPLICA_SETS, replicaSet(5));
  await lab.kubelet();
  await lab.patch(REPLICA_SETS, 'web', { spec: { replicas: 2 } });
  await lab.converge();
  assert.equal((await lab.activePods()).length, 2);
  assert.equal(
    (await lab.events()).filter((event) => event.startsWith('SuccessfulDelete: Deleted pod: web-')).length,
    3,
  );
});

test('a ReplicationController works with its plain selector', async () => {
  await start();
  await lab.create(REPLICATION_CONTROLLERS, {
    metadata: { name: 'old' },
    spec: { replicas: 2, selector: { app: 'old' }, template: template('old') },
  });
  await lab.settle();
  const pods = await lab.activePods();
  assert.equal(pods.length, 2);
  assert.equal(pods[0]?.metadata.ownerReferences?.[0]?.kind, 'ReplicationController');
});

test('victims go in the order unassigned, pending, unready, cheap, crowded, restarted, young', () => {
  const make = (
    name: string,
    more: { node?: string; phase?: string; ready?: boolean; cost?: string; restarts?: number; born?: string },
  ): Pod =>
    ({
      metadata: {
        name,
        creationTimestamp: more.born ?? '2026-01-01T00:00:00Z',
        ...(more.cost && { annotations: { 'controller.kubernetes.io/pod-deletion-cost': more.cost } }),
      },
      spec: { containers: [], ...(more.node !== '' && { nodeName: more.node ?? 'quiet' }) },
      status: {
        phase: more.phase ?? 'Running',
        conditions: [
          {
            type: 'Ready',
            status: more.ready === false ? 'False' : 'True',
            lastTransitionTime: '2026-01-01T00:00:00Z',
          },
        ],
        containerStatuses: [{ name: 'main', restartCount: more.restarts ?? 0 }],
      },
    }) as Pod;
  const pods = [
    make('old', {}),
    make('young', { born: '2026-01-02T00:00:00Z' }),
    make('restarted', { restarts: 3 }),
    make('crowded', { node: 'busy' }),
    make('cheap', { cost: '-5' }),
    make('unready', { ready: false }),
    make('pending', { phase: 'Pending' }),
    make('unassigned', { node: '' }),
  ];
  const order = victims(pods, 7, (node) => (node === 'busy' ? 2 : 1)).map((pod) => pod.metadata.name);
  assert.deepEqual(order, ['unassigned', 'pending', 'unready', 'cheap', 'crowded', 'restarted', 'young']);
});
