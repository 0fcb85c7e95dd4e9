/**
 * Jobs: pods until enough of them succeeded, or too many failed, or too much time passed. Finished pods are counted exactly once.
 * Finished Jobs go after their TTL.
 */
import { JOBS, PODS } from '#api/kube';
import {
  conditionOf,
  formatTime,
  isActive,
  isReady,
  isTerminal,
  isTrue,
  type Job,
  type JobStatus,
  type Pod,
  parseTime,
  restartsOf,
  type WorkloadCondition,
  withCondition,
} from '../../kinds/index.ts';
import { type Controller, NOTHING, type Plan, referenceTo, refOf, type Write } from '../../reconcile/index.ts';
import { matchesLabelSelector } from '../../selectors/index.ts';
import { claim, ownersOfKind } from '../claim.ts';
import { createPod, deletePod } from '../pod-template.ts';
import { writeStatus } from '../write-status.ts';
import { type Account, account } from './accounting.ts';
import { asOwner, buildPod, indexOf, isIndexed, TRACKING_FINALIZER } from './pods.ts';
import { failureAction, failuresBefore, isForeign, metSuccessRule, waitsForEnd } from './policies.ts';

export interface JobObserved {
  job: Job;
  /** Pods of its namespace. */
  pods: readonly Pod[];
}

export interface JobConfig {
  /** Pause before a failed pod is replaced; doubles with each failure up to the cap. Kubernetes: 10 s and 10 min. */
  backoffFirstMs: number;
  backoffCapMs: number;
}

export const JOB_DEFAULTS: JobConfig = { backoffFirstMs: 10_000, backoffCapMs: 600_000 };

export function jobController(config: JobConfig = JOB_DEFAULTS): Controller<JobObserved> {
  return {
    name: 'job-controller',
    triggers: [
      { gvr: JOBS, keys: ({ now }) => (now ? [refOf(now)] : []) },
      { gvr: PODS, keys: ownersOfKind('Job') },
    ],
    observe(key, caches) {
      const job = caches.of<Job>(JOBS).byRef(key);
      return job && { job, pods: caches.of<Pod>(PODS).list(job.metadata.namespace) };
    },
    reconcile: (observed, nowMs) => reconcileJob(observed, nowMs, config),
  };
}

/** Why a Job ends, before its last pods are gone. */
type Verdict = { type: 'SuccessCriteriaMet' | 'FailureTarget'; reason: string; message: string };

/** What a pass over one Job knows. */
interface Pass {
  job: Job;
  pods: readonly Pod[];
  active: readonly Pod[];
  counted: Account;
  nowMs: number;
  config: JobConfig;
}

/** Whether the Job has come to its end, good or bad. */
export const isFinished = (job: Job): boolean =>
  isTrue(job.status?.conditions, 'Complete') || isTrue(job.status?.conditions, 'Failed');

/** Decides the next steps of one Job. Pure. */
export function reconcileJob({ job, pods: all }: JobObserved, nowMs: number, config: JobConfig): Plan {
  if (isForeign(job)) return NOTHING;
  const uid = job.metadata.uid ?? '';
  const selector = job.spec.selector ?? { matchLabels: { 'batch.kubernetes.io/controller-uid': uid } };
  const matches = (pod: Pod): boolean => matchesLabelSelector(selector, pod.metadata.labels);
  const { owned, writes } = claim({ ...asOwner(job), matches }, PODS, all);
  if (isFinished(job) || job.metadata.deletionTimestamp) return afterwards(job, owned, writes, nowMs);
  const counted = account(job, owned);
  const pass: Pass = { job, pods: owned, active: owned.filter(isActive), counted, nowMs, config };
  const verdict = verdictOf(pass);
  const plan = verdict ? end(pass, verdict) : job.spec.suspend ? suspend(pass) : work(pass);
  return { ...plan, writes: [...writes, ...plan.writes, ...counted.release.map(release)] };
}

/** Finished or deleted Jobs let their pods go, and go themselves after their TTL. */
function afterwards(job: Job, pods: readonly Pod[], writes: readonly Write[], nowMs: number): Plan {
  const kept = pods.filter((pod) => (pod.metadata.finalizers ?? []).includes(TRACKING_FINALIZER));
  const released = [...writes, ...kept.map(release)];
  const { ttlSecondsAfterFinished } = job.spec;
  if (ttlSecondsAfterFinished === undefined || job.metadata.deletionTimestamp) return { writes: released };
  const ended = job.status?.conditions?.find(
    ({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True',
  );
  const leftMs = (parseTime(ended?.lastTransitionTime) ?? nowMs) + ttlSecondsAfterFinished * 1000 - nowMs;
  if (leftMs > 0) return { writes: released, againInMs: leftMs };
  return { writes: [...released, { verb: 'delete', gvr: JOBS, object: job, propagationPolicy: 'Foreground' }] };
}

function release(pod: Pod): Write {
  const { name = '', namespace = '', uid, resourceVersion } = pod.metadata;
  const rest = (pod.metadata.finalizers ?? []).filter((each) => each !== TRACKING_FINALIZER);
  const merge = { metadata: { uid, resourceVersion, finalizers: rest.length > 0 ? rest : null } };
  return { verb: 'patch', gvr: PODS, name, namespace, merge, tolerate: ['NotFound'] };
}

function verdictOf({ job, active, counted, nowMs }: Pass): Verdict | undefined {
  const { completions, backoffLimit = 6, activeDeadlineSeconds } = job.spec;
  const standing = job.status?.conditions?.find(
    ({ type, status }) => (type === 'SuccessCriteriaMet' || type === 'FailureTarget') && status === 'True',
  );
  if (standing)
    return { type: standing.type as Verdict['type'], reason: standing.reason ?? '', message: standing.message ?? '' };
  const failure = (reason: string, message: string): Verdict => ({ type: 'FailureTarget', reason, message });
  if (counted.fatal !== undefined) return failure('PodFailurePolicy', counted.fatal);
  const retries =
    job.spec.template.spec.restartPolicy === 'OnFailure' ? active.reduce((sum, pod) => sum + restartsOf(pod), 0) : 0;
  if (
    counted.failed > backoffLimit ||
    (retries > 0 && retries >= backoffLimit && backoffLimit > 0) ||
    (retries > 0 && backoffLimit === 0)
  )
    return failure('BackoffLimitExceeded', 'Job has reached the specified backoff limit');
  const started = parseTime(job.status?.startTime);
  if (
    activeDeadlineSeconds !== undefined &&
    started !== undefined &&
    !job.spec.suspend &&
    nowMs >= started + activeDeadlineSeconds * 1000
  )
    return failure('DeadlineExceeded', 'Job was active longer than specified deadline');
  const { maxFailedIndexes } = job.spec;
  const failedIndexes = counted.failedIndexes.size;
  if (maxFailedIndexes !== undefined && failedIndexes > maxFailedIndexes)
    return failure('MaxFailedIndexesExceeded', 'Job has exceeded the specified maximal number of failed indexes');
  const rule = isIndexed(job) ? metSuccessRule(job, counted.completedIndexes) : undefined;
  if (rule !== undefined)
    return { type: 'SuccessCriteriaMet', reason: 'SuccessPolicy', message: `Matched rules at index ${rule}` };
  if (failedIndexes > 0 && completions !== undefined && counted.succeeded + failedIndexes >= completions)
    return failure('FailedIndexes', 'Job has failed indexes');
  const enough =
    completions === undefined ? counted.succeeded > 0 && active.length === 0 : counted.succeeded >= completions;
  const message = 'Reached expected number of succeeded pods';
  return enough ? { type: 'SuccessCriteriaMet', reason: 'CompletionsReached', message } : undefined;
}

/** The verdict stands: remaining pods go, and when the last of them is gone and counted the Job is finished. */
function end(pass: Pass, { type, reason, message }: Verdict): Plan {
  const { job, pods, active, counted, nowMs } = pass;
  const living = pods.filter((pod) => !isTerminal(pod));
  const isLast = living.length === 0 && counted.release.length === 0;
  const final = type === 'SuccessCriteriaMet' ? 'Complete' : 'Failed';
  let conditions = withCondition(job.status?.conditions, newCondition(type, 'True', reason, message, nowMs));
  if (isLast) conditions = withCondition(conditions, newCondition(final, 'True', reason, message, nowMs));
  const completionTime = isLast && final === 'Complete' ? { completionTime: formatTime(nowMs) } : {};
  const status = { ...statusOf(pass), ...completionTime, conditions: [...conditions] };
  const event: Write[] = isLast
    ? [
        note(
          job,
          final === 'Complete' ? 'Normal' : 'Warning',
          final === 'Complete' ? 'Completed' : reason,
          final === 'Complete' ? 'Job completed' : message,
        ),
      ]
    : [];
  return {
    writes: [
      ...writeStatus(JOBS, job, status),
      ...event,
      { verb: 'batch', writes: active.map((pod) => deletePod(asOwner(job), pod)) },
    ],
  };
}

function suspend(pass: Pass): Plan {
  const { job, active, nowMs } = pass;
  const isNew = !isTrue(job.status?.conditions, 'Suspended');
  const conditions = withCondition(
    job.status?.conditions,
    newCondition('Suspended', 'True', 'JobSuspended', 'Job suspended', nowMs),
  );
  const { startTime: _started, ...status } = statusOf(pass);
  return {
    writes: [
      ...writeStatus(JOBS, job, { ...status, conditions: [...conditions] }),
      ...(isNew ? [note(job, 'Normal', 'Suspended', 'Job suspended')] : []),
      { verb: 'batch', writes: active.map((pod) => deletePod(asOwner(job), pod)) },
    ],
  };
}

function work(pass: Pass): Plan {
  const { job, active, counted, nowMs } = pass;
  const wasSuspended = isTrue(job.status?.conditions, 'Suspended');
  const startTime = job.status?.startTime ?? formatTime(nowMs);
  const conditions = wasSuspended
    ? withCondition(job.status?.conditions, newCondition('Suspended', 'False', 'JobResumed', 'Job resumed', nowMs))
    : (job.status?.conditions ?? []);
  const status = { ...statusOf(pass), startTime, conditions: [...conditions] };
  const wanted = wantedActive(job, active.length, counted);
  const taken = active.length + (waitsForEnd(job) ? pass.pods.filter(isLeaving).length : 0);
  const pauseMs = taken < wanted ? pauseLeftMs(pass) : 0;
  const surplus = active.length > wanted ? lastFirst(active).slice(0, active.length - wanted) : [];
  const fresh = pauseMs > 0 ? [] : missing(pass, wanted - taken);
  const deadline = job.spec.activeDeadlineSeconds;
  const deadlineMs = deadline === undefined ? undefined : (parseTime(startTime) ?? nowMs) + deadline * 1000 - nowMs;
  const waits = [...(pauseMs > 0 ? [pauseMs] : []), ...(deadlineMs === undefined ? [] : [Math.max(10, deadlineMs)])];
  return {
    writes: [
      ...writeStatus(JOBS, job, status),
      ...(wasSuspended ? [note(job, 'Normal', 'Resumed', 'Job resumed')] : []),
      { verb: 'batch', writes: surplus.map((pod) => deletePod(asOwner(job), pod)) },
      { verb: 'batch', writes: fresh.map((pod) => createPod(asOwner(job), pod)) },
    ],
    ...(waits.length > 0 && { againInMs: Math.min(...waits) }),
  };
}

/** How many pods should run now. Without completions the first success means that no more are started. */
function wantedActive({ spec }: Job, active: number, { succeeded, failedIndexes }: Account): number {
  const parallelism = spec.parallelism ?? 1;
  if (spec.completions === undefined) return succeeded > 0 ? active : parallelism;
  return Math.min(parallelism, Math.max(0, spec.completions - succeeded - failedIndexes.size));
}

const lastFirst = (pods: readonly Pod[]): Pod[] =>
  [...pods].sort(
    (a, b) =>
      Number(isReady(a)) - Number(isReady(b)) ||
      (b.metadata.creationTimestamp ?? '').localeCompare(a.metadata.creationTimestamp ?? ''),
  );

function missing(pass: Pass, count: number): Pod[] {
  const { job, pods, counted } = pass;
  if (count <= 0) return [];
  if (!isIndexed(job)) return Array.from({ length: count }, () => buildPod(job, undefined));
  const holds = (pod: Pod): boolean => isActive(pod) || (isLeaving(pod) && waitsForEnd(job));
  const busy = new Set(pods.filter(holds).map(indexOf));
  const all = Array.from({ length: job.spec.completions ?? 0 }, (_, index) => index);
  const free = all.filter(
    (index) => !busy.has(index) && !counted.completedIndexes.has(index) && !counted.failedIndexes.has(index),
  );
  return free.slice(0, count).map((index) => buildPod(job, index, failuresOf(pass, index)));
}

/** Deleted, but not yet at its end. */
const isLeaving = (pod: Pod): boolean => pod.metadata.deletionTimestamp !== undefined && !isTerminal(pod);

/** Failures of an index so far; those that the Job's policy ignores are none. */
function failuresOf({ job, pods }: Pass, index: number): number {
  const failed = pods.filter((pod) => indexOf(pod) === index && !isActive(pod) && pod.status?.phase !== 'Succeeded');
  const counts = failed.map((pod) => failuresBefore(pod) + (failureAction(job, pod).action === 'Ignore' ? 0 : 1));
  return Math.max(0, ...counts);
}

/** Milliseconds before a failed pod may be replaced: doubles with each failure after the last success. */
function pauseLeftMs({ pods, nowMs, config }: Pass): number {
  const ended = pods
    .filter(isTerminal)
    .map((pod) => ({ failed: pod.status?.phase === 'Failed', atMs: endOf(pod) }))
    .sort((a, b) => b.atMs - a.atMs);
  const failures = ended.findIndex(({ failed }) => !failed);
  const count = failures === -1 ? ended.length : failures;
  if (count === 0) return 0;
  const pauseMs = Math.min(config.backoffFirstMs * 2 ** (count - 1), config.backoffCapMs);
  return Math.max(0, (ended[0]?.atMs ?? 0) + pauseMs - nowMs);
}

function endOf(pod: Pod): number {
  const ends = (pod.status?.containerStatuses ?? []).map((each) => parseTime(each.state?.terminated?.finishedAt) ?? 0);
  return Math.max(
    ...ends,
    parseTime(conditionOf(pod.status?.conditions, 'Ready')?.lastTransitionTime) ?? 0,
    parseTime(pod.metadata.creationTimestamp) ?? 0,
  );
}

function statusOf({ job, pods, active, counted }: Pass): JobStatus {
  const { startTime, conditions } = job.status ?? {};
  return {
    ...(startTime && { startTime }),
    ...(conditions && { conditions }),
    active: active.length,
    ready: active.filter(isReady).length,
    terminating: pods.filter(isLeaving).length,
    ...counted.status,
  };
}

function newCondition(
  type: string,
  status: 'True' | 'False',
  reason: string,
  message: string,
  nowMs: number,
): WorkloadCondition {
  const now = formatTime(nowMs);
  return { type, status, lastProbeTime: now, lastTransitionTime: now, reason, message };
}

const note = (job: Job, type: 'Normal' | 'Warning', reason: string, message: string): Write => ({
  verb: 'event',
  note: { about: referenceTo(job, 'Job', 'batch/v1'), type, reason, message },
});
