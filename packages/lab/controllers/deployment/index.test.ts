import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { DEPLOYMENTS, PODS, REPLICA_SETS } from '#api/kube';
import { ApiError } from '../../contract/index.ts';
import { conditionOf, type Deployment, type ReplicaSet } from '../../kinds/index.ts';
import type { Controller } from '../../reconcile/index.ts';
import { deployment, FakeLab, type FakeLabOptions, template } from '../lab.fake.ts';
import { replicaSetController } from '../replicaset/index.ts';
import { deploymentController } from './index.ts';

const controllers = [deploymentController, replicaSetController] as unknown as Controller<never>[];
let lab: FakeLab;
async function start(more: Partial<FakeLabOptions> = {}): Promise<FakeLab> {
  lab = await new FakeLab({ controllers, ...more }).start();
  return lab;
}
afterEach(() => {
  lab.stop();
  assert.deepEqual(
    lab.failures.filter((failure) => !failure.includes('refused on purpose')),
    [],
  );
});

const web = (): Promise<Deployment> => lab.get<Deployment>(DEPLOYMENTS, 'web');
const sets = async (): Promise<ReplicaSet[]> => {
  const all = await lab.list<ReplicaSet>(REPLICA_SETS);
  return all.sort((a, b) => revision(a) - revision(b));
};
const revision = (object: { metadata: { annotations?: Record<string, string> } }): number =>
  Number(object.metadata.annotations?.['deployment.kubernetes.io/revision']);
const sizes = async (): Promise<number[]> => (await sets()).map((set) => set.spec.replicas ?? -1);
const useImage = (image: string) => lab.patch(DEPLOYMENTS, 'web', { spec: { template: template('web', image) } });
const progressing = async () => conditionOf((await web()).status?.conditions, 'Progressing');

test('a new Deployment gets one set, its pods, a revision and complete status', async () => {
  await start();
  await lab.create(DEPLOYMENTS, deployment('web', 3));
  await lab.converge();
  const [set] = await sets();
  assert.match(set?.metadata.name ?? '', /^web-[b-z2-9]{10}$/);
  assert.equal(set?.metadata.labels?.['pod-template-hash'], set?.metadata.name?.slice(4));
  assert.deepEqual(set?.metadata.annotations, {
    'deployment.kubernetes.io/revision': '1',
    'deployment.kubernetes.io/desired-replicas': '3',
    'deployment.kubernetes.io/max-replicas': '4',
  });
  const { status } = await web();
  const { conditions = [], ...counts } = status ?? {};
  assert.deepEqual(counts, {
    observedGeneration: 1,
    replicas: 3,
    updatedReplicas: 3,
    readyReplicas: 3,
    availableReplicas: 3,
  });
  assert.equal(conditionOf(conditions, 'Available')?.reason, 'MinimumReplicasAvailable');
  assert.equal(conditionOf(conditions, 'Progressing')?.reason, 'NewReplicaSetAvailable');
  assert.equal(revision(await web()), 1);
  assert.ok(
    (await lab.events()).includes(`ScalingReplicaSet: Scaled up replica set ${set?.metadata.name} from 0 to 3`),
  );
});

test('a rolling update keeps within surge and unavailability and ends with the old set empty', async () => {
  await start();
  await lab.create(DEPLOYMENTS, deployment('web', 4));
  await lab.converge();
  await useImage('image:2');
  await lab.settle();
  for (let turn = 0; turn < 30 && (await progressing())?.reason !== 'NewReplicaSetAvailable'; turn++) {
    const status = (await web()).status;
    assert.ok((await sizes()).reduce((a, b) => a + b) <= 5, 'never more than replicas + maxSurge');
    assert.ok((status?.availableReplicas ?? 0) >= 3, 'never fewer than replicas - maxUnavailable');
    await lab.kubelet(1);
  }
  assert.deepEqual(await sizes(), [0, 4]);
  assert.equal(revision(await web()), 2);
});

test('an old template that comes back reuses its set under a new revision', async () => {
  await start();
  await lab.create(DEPLOYMENTS, deployment('web', 1));
  await lab.converge();
  const first = (await sets())[0];
  await useImage('image:2');
  await lab.converge();
  await useImage('image:1');
  await lab.converge();
  assert.equal((await sets()).length, 2);
  const [older, newer] = await sets();
  assert.equal(newer?.metadata.uid, first?.metadata.uid);
  assert.equal(newer?.metadata.annotations?.['deployment.kubernetes.io/revision-history'], '1');
  assert.deepEqual(
    [older, newer].map((set) => revision(set!)),
    [2, 3],
  );
  assert.deepEqual(await sizes(), [0, 1]);
});

test('change-cause is copied to the set of its revision', async () => {
  await start();
  await lab.create(DEPLOYMENTS, deployment('web', 1));
  await lab.converge();
  const cause = { 'kubernetes.io/change-cause': 'image two', 'kubectl.kubernetes.io/last-applied-configuration': '{}' };
  await lab.patch(DEPLOYMENTS, 'web', {
    metadata: { annotations: cause },
    spec: { template: template('web', 'image:2') },
  });
  await lab.converge();
  const newest = (await sets()).at(-1)?.metadata.annotations ?? {};
  assert.equal(newest['kubernetes.io/change-cause'], 'image two');
  assert.equal(newest['kubectl.kubernetes.io/last-applied-configuration'], undefined);
});

test('a paused Deployment scales but does not roll out; resumed it does', async () => {
  await start();
  await lab.create(DEPLOYMENTS, deployment('web', 2));
  await lab.converge();
  await lab.patch(DEPLOYMENTS, 'web', {
    spec: { paused: true, replicas: 3, template: template('web', 'image:2') },
  });
  await lab.converge();
  assert.deepEqual(await sizes(), [3]);
  assert.equal((await progressing())?.reason, 'DeploymentPaused');
  await lab.patch(DEPLOYMENTS, 'web', { spec: { paused: null } });
  await lab.converge();
  assert.deepEqual(await sizes(), [0, 3]);
  assert.equal((await progressing())?.reason, 'NewReplicaSetAvailable');
});

test('scaling in the middle of a rollout spreads the change over the sets', async () => {
  await start();
  await lab.create(
    DEPLOYMENTS,
    deployment('web', 10, { strategy: { rollingUpdate: { maxSurge: 3, maxUnavailable: 2 } } }),
  );
  await lab.converge();
  await useImage('image:2');
  await lab.settle();
  assert.deepEqual(await sizes(), [8, 5]);
  await lab.patch(DEPLOYMENTS, 'web', { spec: { replicas: 15 } });
  await lab.settle();
  assert.deepEqual(await sizes(), [11, 7]);
});

test('Recreate starts no new pod before the last old one is gone', async () => {
  await start();
  await lab.create(DEPLOYMENTS, deployment('web', 2, { strategy: { type: 'Recreate' } }));
  await lab.converge();
  await useImage('image:2');
  await lab.settle();
  assert.deepEqual(await sizes(), [0]);
  assert.equal((await lab.list(PODS)).length, 2, 'both are still shutting down');
  await lab.converge();
  assert.deepEqual(await sizes(), [0, 2]);
});

test('a rollout that does not progress is reported after its deadline, and recovers', async () => {
  await start();
  await lab.create(DEPLOYMENTS, deployment('web', 1, { progressDeadlineSeconds: 60 }));
  await lab.settle();
  await lab.clock.advance(59_000);
  assert.equal((await progressing())?.status, 'True');
  await lab.clock.advance(5_000);
  const late = await progressing();
  assert.deepEqual([late?.status, late?.reason], ['False', 'ProgressDeadlineExceeded']);
  assert.match(late?.message ?? '', /^ReplicaSet "web-.*" has timed out progressing\.$/);
  await lab.converge();
  assert.equal((await progressing())?.reason, 'NewReplicaSetAvailable');
});

test('old sets beyond the history limit go', async () => {
  await start();
  await lab.create(DEPLOYMENTS, deployment('web', 1, { revisionHistoryLimit: 2 }));
  await lab.converge();
  for (const image of ['image:2', 'image:3', 'image:4', 'image:5']) {
    await useImage(image);
    await lab.converge();
  }
  assert.deepEqual((await sets()).map(revision), [3, 4, 5]);
});

test('a hash that another set has already leads to another name', async () => {
  await start();
  await lab.create(DEPLOYMENTS, deployment('web', 1));
  await lab.converge();
  const name = (await sets())[0]?.metadata.name ?? '';
  await lab.delete(DEPLOYMENTS, 'web');
  const stray = { ...template('other'), spec: { containers: [{ name: 'other' }] } };
  await lab.delete(REPLICA_SETS, name);
  await lab.create(REPLICA_SETS, {
    metadata: { name },
    spec: { replicas: 0, selector: { matchLabels: { app: 'other' } }, template: stray },
  });
  await lab.create(DEPLOYMENTS, deployment('web', 1));
  await lab.converge();
  assert.equal((await web()).status?.collisionCount, 1);
  assert.equal(
    (await sets()).filter((set) => set.metadata.name !== name && set.metadata.name?.startsWith('web-')).length,
    1,
  );
});

test('refused pods show as an event, a condition of the set and ReplicaFailure of the Deployment, until they are let in', async () => {
  let refusing = true;
  await start({
    admit: (_verb, gvr) => {
      if (refusing && gvr.resource === 'pods') throw refusal();
    },
  });
  await lab.create(DEPLOYMENTS, deployment('web', 2));
  await lab.settle();
  assert.equal(conditionOf((await web()).status?.conditions, 'ReplicaFailure')?.reason, 'FailedCreate');
  assert.ok((await lab.events()).includes('FailedCreate: Error creating: refused on purpose'));
  refusing = false;
  await lab.clock.advance(60_000);
  await lab.converge();
  assert.equal(conditionOf((await web()).status?.conditions, 'ReplicaFailure'), undefined);
  assert.equal((await web()).status?.availableReplicas, 2);
});

test('at rest nothing is written', async () => {
  await start();
  await lab.create(DEPLOYMENTS, deployment('web', 2));
  await lab.converge();
  const before = lab.cluster.writes.length;
  await lab.patch(DEPLOYMENTS, 'web', { metadata: { labels: { touched: 'yes' } } });
  await lab.clock.advance(3_600_000);
  assert.deepEqual(lab.cluster.writes.slice(before), ['update deployments default/web']);
});

function refusal(): Error {
  return ApiError.of('Forbidden', 'refused on purpose');
}
