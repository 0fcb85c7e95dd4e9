import type { Job, JobStatus, Pod } from '../../kinds/index.ts';
import { formatIndexes, parseIndexes } from './indexes.ts';
import { indexOf, isIndexed, TRACKING_FINALIZER } from './pods.ts';
import { failureAction, isLastFailure, waitsForEnd } from './policies.ts';

/**
 * What is known of a Job's finished pods. Each is counted exactly once: first its uid is noted in the status, then its finalizer
 * goes, then the note becomes part of the count.
 */
export interface Account {
  succeeded: number;
  failed: number;
  completedIndexes: ReadonlySet<number>;
  /** Indexes that are not tried again. */
  failedIndexes: ReadonlySet<number>;
  /** Why a pod's failure is the Job's, where the Job's policy says so. */
  fatal?: string;
  /** The part of the status that holds counts and notes. */
  status: Pick<JobStatus, 'succeeded' | 'failed' | 'completedIndexes' | 'failedIndexes' | 'uncountedTerminatedPods'>;
  /** Noted pods that may lose their finalizer once the status is stored. */
  release: readonly Pod[];
}

const isTracked = (pod: Pod): boolean => (pod.metadata.finalizers ?? []).includes(TRACKING_FINALIZER);
const hasSucceeded = (pod: Pod): boolean => pod.status?.phase === 'Succeeded';
/** A pod that is being deleted will not finish its work; where the Job wants to know how it ended, it has to end first. */
const hasFailed = (job: Job, pod: Pod): boolean =>
  !hasSucceeded(pod) &&
  (pod.status?.phase === 'Failed' || (pod.metadata.deletionTimestamp !== undefined && !waitsForEnd(job)));

/** Counts finished pods on top of what the status says. */
export function account(job: Job, pods: readonly Pod[]): Account {
  const status = job.status ?? {};
  const noted = {
    succeeded: new Set(status.uncountedTerminatedPods?.succeeded),
    failed: new Set(status.uncountedTerminatedPods?.failed),
  };
  const tracked = new Map(pods.filter(isTracked).map((pod) => [pod.metadata.uid ?? '', pod]));
  const indexes = new Set(parseIndexes(status.completedIndexes));
  const total = { succeeded: status.succeeded ?? 0, failed: status.failed ?? 0 };
  const notes = { succeeded: [] as string[], failed: [] as string[] };
  const failedIndexes = new Set(parseIndexes(status.failedIndexes));
  const ignored: Pod[] = [];
  let fatal: string | undefined;
  for (const kind of ['succeeded', 'failed'] as const)
    for (const uid of noted[kind]) {
      if (tracked.has(uid)) notes[kind].push(uid);
      else total[kind]++;
    }
  for (const [uid, pod] of tracked) {
    if (noted.succeeded.has(uid) || noted.failed.has(uid)) continue;
    if (hasSucceeded(pod)) note(job, pod, uid, notes, indexes);
    else if (hasFailed(job, pod)) {
      const { action, message } = failureAction(job, pod);
      if (action === 'Ignore') {
        ignored.push(pod);
        continue;
      }
      if (action === 'FailJob') fatal ??= message;
      const index = indexOf(pod);
      if (index !== undefined && (action === 'FailIndex' || isLastFailure(job, pod))) failedIndexes.add(index);
      notes.failed.push(uid);
    }
  }
  const succeeded = isIndexed(job) ? indexes.size : total.succeeded + notes.succeeded.length;
  const hasNotes = notes.succeeded.length + notes.failed.length > 0;
  return {
    succeeded,
    failed: total.failed + notes.failed.length,
    completedIndexes: indexes,
    failedIndexes,
    ...(fatal !== undefined && { fatal }),
    status: {
      succeeded: isIndexed(job) ? indexes.size : total.succeeded,
      failed: total.failed,
      ...(isIndexed(job) && indexes.size > 0 && { completedIndexes: formatIndexes(indexes) }),
      ...(job.spec.backoffLimitPerIndex !== undefined && { failedIndexes: formatIndexes(failedIndexes) }),
      uncountedTerminatedPods: hasNotes
        ? {
            ...(notes.succeeded.length > 0 && { succeeded: notes.succeeded }),
            ...(notes.failed.length > 0 && { failed: notes.failed }),
          }
        : {},
    },
    release: [...[...notes.succeeded, ...notes.failed].flatMap((uid) => tracked.get(uid) ?? []), ...ignored],
  };
}

function note(job: Job, pod: Pod, uid: string, notes: { succeeded: string[] }, indexes: Set<number>): void {
  notes.succeeded.push(uid);
  const index = isIndexed(job) ? indexOf(pod) : undefined;
  if (index !== undefined && index < (job.spec.completions ?? 0)) indexes.add(index);
}
