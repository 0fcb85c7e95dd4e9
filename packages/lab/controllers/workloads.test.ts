/** StatefulSets, DaemonSets, Jobs, CronJobs, budgets and claims at work on the fake cluster. */

import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import {
  CONTROLLER_REVISIONS,
  CRON_JOBS,
  DAEMON_SETS,
  DEPLOYMENTS,
  JOBS,
  NODES,
  PERSISTENT_VOLUME_CLAIMS,
  PERSISTENT_VOLUMES,
  POD_DISRUPTION_BUDGETS,
  PODS,
  STATEFUL_SETS,
} from '#api/kube';
import {
  type ControllerRevision,
  type CronJob,
  conditionOf,
  type DaemonSet,
  type Job,
  type PersistentVolumeClaim,
  type Pod,
  type PodDisruptionBudget,
  type StatefulSet,
} from '../kinds/index.ts';
import type { Controller } from '../reconcile/index.ts';
import { schedulerController } from '../scheduler/index.ts';
import { cronJobController } from './cronjob/index.ts';
import { daemonSetController } from './daemonset/index.ts';
import { deploymentController } from './deployment/index.ts';
import { disruptionController } from './disruption/index.ts';
import { Everything } from './everything.ts';
import { garbageCollector } from './garbage/index.ts';
import { jobController } from './job/index.ts';
import { formatIndexes, parseIndexes } from './job/indexes.ts';
import { deployment, FakeLab, template } from './lab.fake.ts';
import { replicaSetController } from './replicaset/index.ts';
import { statefulSetController } from './statefulset/index.ts';
import { claimController, volumeController } from './volumes/index.ts';

const controllers = [
  statefulSetController,
  daemonSetController,
  jobController({ backoffFirstMs: 10_000, backoffCapMs: 60_000 }),
  cronJobController,
  disruptionController,
  claimController,
  volumeController,
  deploymentController,
  replicaSetController,
  schedulerController,
] as unknown as Controller<never>[];
let lab: FakeLab;
let everything: Everything;
async function start(nodes = ['n1', 'n2', 'n3']) {
  lab = await new FakeLab({ controllers }).start();
  everything = new Everything(lab.cluster, lab.caches);
  lab.run(garbageCollector(everything) as unknown as Controller<never>);
  for (const name of nodes) await lab.create(NODES, { metadata: { name, labels: { 'kubernetes.io/hostname': name } } });
  await lab.settle();
}
afterEach(() => {
  everything.stop();
  lab.stop();
  assert.deepEqual(lab.failures, []);
});

const podNames = async () => (await lab.activePods()).map((pod) => pod.metadata.name ?? '').sort();
const statefulSet = (replicas: number, spec: object = {}) => ({
  metadata: { name: 'db' },
  spec: { replicas, serviceName: 'db', selector: { matchLabels: { app: 'db' } }, template: template('db'), ...spec },
});
const db = () => lab.get<StatefulSet>(STATEFUL_SETS, 'db');
const images = async () =>
  Object.fromEntries((await lab.activePods()).map((pod) => [pod.metadata.name, pod.spec.containers[0]?.image]));

test('a StatefulSet makes its pods one after the other, with stable names, hostnames and labels', async () => {
  await start();
  await lab.create(STATEFUL_SETS, statefulSet(3));
  await lab.settle();
  assert.deepEqual(await podNames(), ['db-0'], 'db-1 waits until db-0 is ready');
  await lab.converge();
  assert.deepEqual(await podNames(), ['db-0', 'db-1', 'db-2']);
  const pod = await lab.get<Pod>(PODS, 'db-1');
  assert.deepEqual([pod.spec.hostname, pod.spec.subdomain], ['db-1', 'db']);
  const { status } = await db();
  assert.deepEqual(pod.metadata.labels, {
    app: 'db',
    'controller-revision-hash': status?.currentRevision,
    'statefulset.kubernetes.io/pod-name': 'db-1',
    'apps.kubernetes.io/pod-index': '1',
  });
  assert.deepEqual([status?.readyReplicas, status?.currentReplicas, status?.updatedReplicas], [3, 3, 3]);
});

test('a StatefulSet shrinks from the top and heals in the middle', async () => {
  await start();
  await lab.create(STATEFUL_SETS, statefulSet(3));
  await lab.converge();
  await lab.delete(PODS, 'db-1', { gracePeriodSeconds: 0 });
  await lab.converge();
  assert.deepEqual(await podNames(), ['db-0', 'db-1', 'db-2']);
  await lab.patch(STATEFUL_SETS, 'db', { spec: { replicas: 1 } });
  await lab.settle();
  assert.deepEqual(await podNames(), ['db-0', 'db-1'], 'db-2 first, db-1 after it is gone');
  await lab.converge();
  assert.deepEqual(await podNames(), ['db-0']);
});

test('a StatefulSet in parallel makes all at once', async () => {
  await start();
  await lab.create(STATEFUL_SETS, statefulSet(3, { podManagementPolicy: 'Parallel' }));
  await lab.settle();
  assert.deepEqual(await podNames(), ['db-0', 'db-1', 'db-2']);
});

test('a StatefulSet updates from the top down to its partition; lowering it finishes; undo reuses the revision', async () => {
  await start();
  const updateStrategy = { type: 'RollingUpdate', rollingUpdate: { partition: 2 } };
  await lab.create(STATEFUL_SETS, statefulSet(3, { updateStrategy }));
  await lab.converge();
  await lab.patch(STATEFUL_SETS, 'db', { spec: { template: template('db', 'image:2') } });
  await lab.converge();
  assert.deepEqual(await images(), { 'db-0': 'image:1', 'db-1': 'image:1', 'db-2': 'image:2' });
  await lab.delete(PODS, 'db-0', { gracePeriodSeconds: 0 });
  await lab.converge();
  assert.equal((await images())['db-0'], 'image:1', 'below the partition pods come back as they were');
  const before = (await db()).status;
  assert.notEqual(before?.currentRevision, before?.updateRevision);
  await lab.patch(STATEFUL_SETS, 'db', { spec: { updateStrategy: { rollingUpdate: { partition: 0 } } } });
  await lab.converge();
  assert.deepEqual(await images(), { 'db-0': 'image:2', 'db-1': 'image:2', 'db-2': 'image:2' });
  const after = (await db()).status;
  assert.equal(after?.currentRevision, after?.updateRevision);
  await lab.patch(STATEFUL_SETS, 'db', { spec: { template: template('db') } });
  await lab.converge();
  const revisions = await lab.list<ControllerRevision>(CONTROLLER_REVISIONS);
  assert.deepEqual(revisions.map(({ revision }) => revision).sort(), [2, 3]);
  const kept = revisions[0]?.data?.spec?.template as { $patch?: string } | undefined;
  assert.equal(kept?.$patch, 'replace');
});

test('claims of a StatefulSet are bound to volumes and outlive their pods', async () => {
  await start();
  const volumeClaimTemplates = [
    {
      metadata: { name: 'data' },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    },
  ];
  await lab.create(STATEFUL_SETS, statefulSet(2, { volumeClaimTemplates }));
  await lab.converge();
  const claims = await lab.list<PersistentVolumeClaim>(PERSISTENT_VOLUME_CLAIMS);
  assert.deepEqual(
    claims.map((claim) => [claim.metadata.name, claim.status?.phase, claim.spec?.volumeName]),
    [
      ['data-db-0', 'Bound', `pvc-${claims[0]?.metadata.uid}`],
      ['data-db-1', 'Bound', `pvc-${claims[1]?.metadata.uid}`],
    ],
  );
  assert.deepEqual((await lab.get<Pod>(PODS, 'db-1')).spec.volumes, [
    { name: 'data', persistentVolumeClaim: { claimName: 'data-db-1' } },
  ]);
  await lab.patch(STATEFUL_SETS, 'db', { spec: { replicas: 0 } });
  await lab.converge();
  assert.equal((await lab.list(PERSISTENT_VOLUME_CLAIMS)).length, 2);
  await lab.delete(PERSISTENT_VOLUME_CLAIMS, 'data-db-0');
  await lab.settle();
  assert.equal((await lab.list(PERSISTENT_VOLUMES)).length, 1);
});

const daemonSet = (spec: object = {}) => ({
  metadata: { name: 'agent' },
  spec: {
    selector: { matchLabels: { app: 'agent' } },
    template: template('agent'),
    updateStrategy: { type: 'RollingUpdate' },
    ...spec,
  },
});
const agent = () => lab.get<DaemonSet>(DAEMON_SETS, 'agent');
const places = async () => (await lab.activePods()).map((pod) => pod.spec.nodeName ?? '').sort();

test('a DaemonSet runs once on each node that fits, cordoned ones included, and follows nodes', async () => {
  await start();
  await lab.patch(NODES, 'n2', { spec: { unschedulable: true } });
  await lab.patch(NODES, 'n3', { spec: { taints: [{ key: 'special', effect: 'NoSchedule' }] } });
  await lab.create(DAEMON_SETS, daemonSet());
  await lab.converge();
  assert.deepEqual(await places(), ['n1', 'n2']);
  await lab.create(NODES, { metadata: { name: 'n4' } });
  await lab.patch(NODES, 'n3', { spec: { taints: null } });
  await lab.converge();
  assert.deepEqual(await places(), ['n1', 'n2', 'n3', 'n4']);
  const { status } = await agent();
  assert.deepEqual(
    [status?.desiredNumberScheduled, status?.numberAvailable, status?.updatedNumberScheduled],
    [4, 4, 4],
  );
  await lab.patch(DAEMON_SETS, 'agent', {
    spec: { template: { spec: { nodeSelector: { 'kubernetes.io/hostname': 'n1' } } } },
  });
  await lab.converge();
  assert.deepEqual(await places(), ['n1']);
});

test('a DaemonSet updates one node at a time', async () => {
  await start();
  await lab.create(DAEMON_SETS, daemonSet());
  await lab.converge();
  await lab.patch(DAEMON_SETS, 'agent', { spec: { template: template('agent', 'image:2') } });
  for (let turn = 0; turn < 20; turn++) {
    await lab.kubelet(1);
    assert.ok(((await agent()).status?.numberUnavailable ?? 0) <= 1);
  }
  assert.deepEqual(Object.values(await images()), ['image:2', 'image:2', 'image:2']);
  assert.equal((await agent()).status?.updatedNumberScheduled, 3);
});

test('a DaemonSet with a surge puts the successor beside the old pod', async () => {
  await start(['n1']);
  const rollingUpdate = { maxSurge: 1, maxUnavailable: 0 };
  await lab.create(DAEMON_SETS, daemonSet({ updateStrategy: { type: 'RollingUpdate', rollingUpdate } }));
  await lab.converge();
  await lab.patch(DAEMON_SETS, 'agent', { spec: { template: template('agent', 'image:2') } });
  await lab.settle();
  assert.equal((await lab.activePods()).length, 2);
  await lab.converge();
  assert.deepEqual(Object.values(await images()), ['image:2']);
});

const job = (spec: object = {}) => ({
  metadata: { name: 'work' },
  spec: {
    completions: 1,
    parallelism: 1,
    backoffLimit: 6,
    template: { spec: { restartPolicy: 'Never', containers: [{ name: 'main' }] } },
    ...spec,
  },
});
const work = () => lab.get<Job>(JOBS, 'work');
async function finish(phase: 'Succeeded' | 'Failed', count = Number.POSITIVE_INFINITY): Promise<void> {
  for (const pod of (await lab.activePods()).slice(0, count))
    await lab.patch(PODS, pod.metadata.name ?? '', { status: { phase } }, 'status');
  await lab.settle();
}
const ended = async () =>
  (await work()).status?.conditions
    ?.filter(({ status }) => status === 'True')
    .map(({ type, reason }) => `${type}: ${reason}`);

test('a Job runs as many pods as it may until enough succeeded, and counts each once', async () => {
  await start();
  await lab.create(JOBS, job({ completions: 3, parallelism: 2 }));
  await lab.settle();
  assert.equal((await lab.activePods()).length, 2);
  const [pod] = await lab.activePods();
  assert.deepEqual(pod?.metadata.finalizers, ['batch.kubernetes.io/job-tracking']);
  assert.equal(pod?.metadata.labels?.['batch.kubernetes.io/job-name'], 'work');
  await finish('Succeeded');
  assert.equal((await lab.activePods()).length, 1);
  await finish('Succeeded');
  const { status } = await work();
  assert.deepEqual([status?.succeeded, status?.active, status?.uncountedTerminatedPods], [3, undefined, {}]);
  assert.deepEqual(await ended(), ['SuccessCriteriaMet: CompletionsReached', 'Complete: CompletionsReached']);
  assert.ok(status?.completionTime);
  assert.ok((await lab.list<Pod>(PODS)).every((each) => !each.metadata.finalizers));
  assert.ok((await lab.events()).includes('Completed: Job completed'));
});

test('failed pods are replaced after growing pauses until the limit', async () => {
  await start();
  await lab.create(JOBS, job({ backoffLimit: 2 }));
  await lab.settle();
  await finish('Failed');
  assert.equal((await lab.activePods()).length, 0, 'ten seconds first');
  await lab.clock.advance(10_000);
  assert.equal((await lab.activePods()).length, 1);
  await finish('Failed');
  await lab.clock.advance(15_000);
  assert.equal((await lab.activePods()).length, 0, 'then twenty');
  await lab.clock.advance(6_000);
  await finish('Failed');
  assert.deepEqual(await ended(), ['FailureTarget: BackoffLimitExceeded', 'Failed: BackoffLimitExceeded']);
  assert.equal((await work()).status?.failed, 3);
});

test('a deadline ends a Job with its pods', async () => {
  await start();
  await lab.create(JOBS, job({ activeDeadlineSeconds: 30 }));
  await lab.kubelet();
  await lab.clock.advance(31_000);
  await lab.converge();
  assert.deepEqual(await ended(), ['FailureTarget: DeadlineExceeded', 'Failed: DeadlineExceeded']);
  assert.deepEqual(await lab.activePods(), []);
});

test('an Indexed Job gives each pod its number and completes when all are done', async () => {
  await start();
  await lab.create(JOBS, job({ completionMode: 'Indexed', completions: 3, parallelism: 3 }));
  await lab.settle();
  const pods = await lab.activePods();
  const index = (pod: Pod) => pod.metadata.annotations?.['batch.kubernetes.io/job-completion-index'];
  assert.deepEqual(pods.map(index).sort(), ['0', '1', '2']);
  assert.deepEqual(pods.map((pod) => pod.spec.hostname).sort(), ['work-0', 'work-1', 'work-2']);
  assert.ok(pods.every((pod) => pod.metadata.name?.startsWith(`work-${index(pod)}-`)));
  await finish('Succeeded');
  assert.equal((await work()).status?.completedIndexes, '0-2');
  assert.equal((await ended())?.at(-1), 'Complete: CompletionsReached');
});

/** Ends the running pods with an exit code, or only that of one index. */
async function exit(exitCode: number, index?: string): Promise<void> {
  for (const pod of await lab.activePods()) {
    if (index !== undefined && pod.metadata.annotations?.['batch.kubernetes.io/job-completion-index'] !== index)
      continue;
    const containerStatuses = [{ name: 'main', state: { terminated: { exitCode } } }];
    await lab.patch(PODS, pod.metadata.name ?? '', { status: { phase: 'Failed', containerStatuses } }, 'status');
  }
  await lab.settle();
}

test("rules tell failures that are the Job's end from those that do not count", async () => {
  await start();
  const rules = [
    { action: 'FailJob', onExitCodes: { operator: 'In', values: [42] } },
    { action: 'Ignore', onExitCodes: { containerName: 'main', operator: 'NotIn', values: [1] } },
  ];
  await lab.create(JOBS, job({ backoffLimit: 1, podFailurePolicy: { rules } }));
  await lab.settle();
  await exit(7);
  await lab.clock.advance(60_000);
  assert.equal((await work()).status?.failed, undefined, 'ignored');
  assert.equal((await lab.activePods()).length, 1);
  await exit(1);
  await lab.clock.advance(600_000);
  assert.equal((await work()).status?.failed, 1, 'counted');
  await exit(42);
  assert.deepEqual(await ended(), ['FailureTarget: PodFailurePolicy', 'Failed: PodFailurePolicy']);
  const message = (await work()).status?.conditions?.find(({ type }) => type === 'Failed')?.message;
  assert.match(message ?? '', /^Container main for pod .* failed with exit code 42 matching FailJob rule at index 0$/);
});

test('an index that failed too often is given up, the others go on, and the Job fails in the end', async () => {
  await start();
  const indexed = { completionMode: 'Indexed', completions: 2, parallelism: 2, backoffLimit: 100 };
  await lab.create(JOBS, job({ ...indexed, backoffLimitPerIndex: 1 }));
  await lab.settle();
  await exit(1, '0');
  await lab.clock.advance(600_000);
  assert.equal((await lab.activePods()).length, 2, 'tried once more');
  await exit(1, '0');
  await lab.clock.advance(600_000);
  assert.equal((await lab.activePods()).length, 1, 'and no more');
  assert.equal((await work()).status?.failedIndexes, '0');
  await finish('Succeeded');
  assert.deepEqual(await ended(), ['FailureTarget: FailedIndexes', 'Failed: FailedIndexes']);
});

test('too many failed indexes end a Job with its pods', async () => {
  await start();
  const indexed = { completionMode: 'Indexed', completions: 3, parallelism: 3, backoffLimit: 100 };
  await lab.create(JOBS, job({ ...indexed, backoffLimitPerIndex: 0, maxFailedIndexes: 0 }));
  await lab.settle();
  await exit(1, '2');
  await lab.converge();
  assert.deepEqual(await ended(), ['FailureTarget: MaxFailedIndexesExceeded', 'Failed: MaxFailedIndexesExceeded']);
  assert.deepEqual(await lab.activePods(), []);
});

test('a Job may succeed with some of its indexes', async () => {
  await start();
  const rules = [{ succeededIndexes: '0' }];
  await lab.create(JOBS, job({ completionMode: 'Indexed', completions: 3, parallelism: 1, successPolicy: { rules } }));
  await lab.settle();
  await finish('Succeeded');
  await lab.converge();
  assert.deepEqual(await ended(), ['SuccessCriteriaMet: SuccessPolicy', 'Complete: SuccessPolicy']);
});

test('a pod that is being deleted is replaced at its end where the Job says so', async () => {
  await start();
  await lab.create(JOBS, job({ podReplacementPolicy: 'Failed' }));
  await lab.kubelet();
  const [pod] = await lab.activePods();
  await lab.delete(PODS, pod?.metadata.name ?? '');
  await lab.settle();
  assert.equal((await lab.activePods()).length, 0);
  assert.equal((await work()).status?.terminating, 1);
});

test('a Job that is managed by another is left to it', async () => {
  await start();
  await lab.create(JOBS, job({ managedBy: 'example.com/queue' }));
  await lab.settle();
  assert.deepEqual([await lab.activePods(), (await work()).status?.active], [[], undefined]);
});

test('a suspended Job loses its pods and starts anew when resumed', async () => {
  await start();
  await lab.create(JOBS, job());
  await lab.kubelet();
  await lab.patch(JOBS, 'work', { spec: { suspend: true } });
  await lab.converge();
  assert.deepEqual(await lab.activePods(), []);
  assert.deepEqual(await ended(), ['Suspended: JobSuspended']);
  await lab.patch(JOBS, 'work', { spec: { suspend: false } });
  await lab.settle();
  assert.equal((await lab.activePods()).length, 1);
});

test('a finished Job goes after its TTL, with its pods', async () => {
  await start();
  await lab.create(JOBS, job({ ttlSecondsAfterFinished: 60 }));
  await lab.settle();
  await finish('Succeeded');
  await lab.clock.advance(50_000);
  assert.ok(await lab.has(JOBS, 'work'));
  await lab.clock.advance(11_000);
  await lab.converge();
  assert.deepEqual([await lab.list(JOBS), await lab.list(PODS)], [[], []]);
});

test('indexes are written as ranges and read back', () => {
  assert.equal(formatIndexes([4, 0, 2, 1, 7, 8]), '0-2,4,7,8');
  assert.deepEqual([...parseIndexes('0-2,4,7,8')], [0, 1, 2, 4, 7, 8]);
});

const cronJob = (spec: object = {}) => ({
  metadata: { name: 'tick' },
  spec: { schedule: '*/5 * * * *', jobTemplate: { spec: job().spec }, ...spec },
});
const jobNames = async () =>
  (await lab.list<Job>(JOBS))
    .filter((each) => !each.metadata.deletionTimestamp)
    .map((each) => each.metadata.name)
    .sort();
const MINUTES = 60_000;
const at = (minutes: number) => `tick-${Date.UTC(2026, 0, 1) / MINUTES + minutes}`;

test('a CronJob starts a Job at each due time, named after it, and keeps a short history', async () => {
  await start();
  await lab.create(CRON_JOBS, cronJob({ successfulJobsHistoryLimit: 1 }));
  await lab.clock.advance(4 * MINUTES);
  assert.deepEqual(await jobNames(), []);
  await lab.clock.advance(2 * MINUTES);
  assert.deepEqual(await jobNames(), [at(5)]);
  const { status } = await lab.get<CronJob>(CRON_JOBS, 'tick');
  assert.equal(status?.lastScheduleTime, '2026-01-01T00:05:00Z');
  assert.deepEqual(
    status?.active?.map(({ name }) => name),
    [at(5)],
  );
  await finish('Succeeded');
  await lab.clock.advance(5 * MINUTES);
  await finish('Succeeded');
  assert.deepEqual(await jobNames(), [at(10)]);
  const later = (await lab.get<CronJob>(CRON_JOBS, 'tick')).status;
  assert.equal(later?.active, undefined);
  assert.ok(later?.lastSuccessfulTime);
});

test('concurrency is forbidden or replaced where the CronJob says so', async () => {
  await start();
  await lab.create(CRON_JOBS, cronJob({ concurrencyPolicy: 'Forbid' }));
  await lab.clock.advance(11 * MINUTES);
  assert.deepEqual(await jobNames(), [at(5)]);
  await lab.patch(CRON_JOBS, 'tick', { spec: { concurrencyPolicy: 'Replace' } });
  await lab.clock.advance(5 * MINUTES);
  await lab.converge();
  assert.deepEqual(await jobNames(), [at(15)]);
});

test('a time zone moves the hour; an unreadable schedule or zone is told', async () => {
  await start();
  await lab.create(CRON_JOBS, cronJob({ schedule: '30 2 * * *', timeZone: 'Asia/Kolkata' }));
  // 02:30 in Kolkata is 21:00 UTC of the day before.
  await lab.clock.advance(20 * 60 * MINUTES);
  assert.deepEqual(await jobNames(), []);
  await lab.clock.advance(61 * MINUTES);
  assert.deepEqual(await jobNames(), [at(21 * 60)]);
  await lab.patch(CRON_JOBS, 'tick', { spec: { timeZone: 'Mars/Olympus' } });
  await lab.settle();
  assert.ok(
    (await lab.events()).some((event) => event.startsWith('UnparseableSchedule: ') && event.includes('Mars/Olympus')),
  );
});

test('a budget says how many pods may go, by number and by share of the owner', async () => {
  await start();
  await lab.create(DEPLOYMENTS, deployment('web', 4));
  await lab.converge();
  const budget = (name: string, spec: object) =>
    lab.create(POD_DISRUPTION_BUDGETS, {
      metadata: { name },
      spec: { selector: { matchLabels: { app: 'web' } }, ...spec },
    });
  await budget('number', { minAvailable: 3 });
  await budget('share', { maxUnavailable: '50%' });
  await lab.settle();
  const status = async (name: string) => (await lab.get<PodDisruptionBudget>(POD_DISRUPTION_BUDGETS, name)).status;
  const counts = async (name: string) => {
    const { disruptionsAllowed, currentHealthy, desiredHealthy, expectedPods } = (await status(name)) ?? {};
    return [disruptionsAllowed, currentHealthy, desiredHealthy, expectedPods];
  };
  assert.deepEqual(await counts('number'), [1, 4, 3, 4]);
  assert.deepEqual(await counts('share'), [2, 4, 2, 4]);
  const [pod] = await lab.activePods();
  await lab.setReady(pod!, false);
  await lab.settle();
  assert.deepEqual(await counts('number'), [undefined, 3, 3, 4]);
  assert.equal(conditionOf((await status('number'))?.conditions, 'DisruptionAllowed')?.reason, 'InsufficientPods');
});

test('at rest nothing is written', async () => {
  await start();
  await lab.create(STATEFUL_SETS, statefulSet(2));
  await lab.create(DAEMON_SETS, daemonSet());
  await lab.converge();
  const before = lab.cluster.writes.length;
  await lab.patch(STATEFUL_SETS, 'db', { metadata: { labels: { touched: 'yes' } } });
  await lab.patch(DAEMON_SETS, 'agent', { metadata: { labels: { touched: 'yes' } } });
  await lab.settle();
  assert.equal(lab.cluster.writes.length - before, 2, lab.cluster.writes.slice(before).join('; '));
});
