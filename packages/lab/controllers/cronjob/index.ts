/** CronJobs: a Job at each due time, within the rules for concurrency, deadlines and history. */
import { CRON_JOBS, JOBS } from '#api/kube';
import {
  type CronJob,
  controllerRef,
  formatTime,
  isControlledBy,
  isTrue,
  type Job,
  parseTime,
} from '../../kinds/index.ts';
import { type Controller, type Plan, referenceTo, refOf, type Write } from '../../reconcile/index.ts';
import { ownersOfKind } from '../claim.ts';
import { isFinished } from '../job/index.ts';
import { writeStatus } from '../write-status.ts';
import { type Due, dueTimes, tooMany } from './schedule.ts';

const SCHEDULED_ANNOTATION = 'batch.kubernetes.io/cronjob-scheduled-timestamp';

export interface CronJobObserved {
  cronJob: CronJob;
  /** Jobs that it controls. */
  jobs: readonly Job[];
}

export const cronJobController: Controller<CronJobObserved> = {
  name: 'cronjob-controller',
  triggers: [
    { gvr: CRON_JOBS, keys: ({ now }) => (now ? [refOf(now)] : []) },
    { gvr: JOBS, keys: ownersOfKind('CronJob') },
  ],
  observe(key, caches) {
    const cronJob = caches.of<CronJob>(CRON_JOBS).byRef(key);
    if (!cronJob) return undefined;
    const jobs = caches.of<Job>(JOBS).ownedBy(cronJob.metadata.uid ?? '');
    return { cronJob, jobs: jobs.filter((job) => isControlledBy(job, cronJob)) };
  },
  reconcile: reconcileCronJob,
};

/** Decides about one CronJob. Pure. */
export function reconcileCronJob({ cronJob, jobs }: CronJobObserved, nowMs: number): Plan {
  const active = jobs.filter((job) => !isFinished(job) && !job.metadata.deletionTimestamp);
  const upkeep = [...dropHistory(cronJob, jobs), ...tellFinished(cronJob, jobs)];
  if (cronJob.metadata.deletionTimestamp || cronJob.spec.suspend)
    return { writes: [...upkeep, ...writeStatus(CRON_JOBS, cronJob, statusOf(cronJob, jobs, active))] };
  let due: Due;
  try {
    due = dueTimes(cronJob, nowMs);
  } catch (error) {
    const message = `unparseable schedule: ${cronJob.spec.schedule} : ${error instanceof Error ? error.message : error}`;
    return { writes: [...upkeep, note(cronJob, 'Warning', 'UnparseableSchedule', message)] };
  }
  const start = startDue(cronJob, due, active, nowMs);
  return {
    writes: [...upkeep, ...writeStatus(CRON_JOBS, cronJob, statusOf(cronJob, jobs, active)), ...start],
    againInMs: due.nextMs - nowMs + 100,
  };
}

function startDue(cronJob: CronJob, due: Due, active: readonly Job[], nowMs: number): Write[] {
  if (due.lastMs === undefined) return [];
  const warning = tooMany(due)
    ? [
        note(
          cronJob,
          'Warning',
          'TooManyMissedTimes',
          'too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew',
        ),
      ]
    : [];
  const { concurrencyPolicy = 'Allow', startingDeadlineSeconds } = cronJob.spec;
  if (startingDeadlineSeconds !== undefined && nowMs > due.lastMs + startingDeadlineSeconds * 1000)
    return [
      note(cronJob, 'Warning', 'MissSchedule', `Missed scheduled time to start a job: ${formatTime(due.lastMs)}`),
    ];
  if (concurrencyPolicy === 'Forbid' && active.length > 0)
    return [
      ...warning,
      note(
        cronJob,
        'Normal',
        'JobAlreadyActive',
        'Not starting job because prior execution is running and concurrency policy is Forbid',
      ),
    ];
  const replaced = concurrencyPolicy === 'Replace' ? active : [];
  const deletes = replaced.map(
    (job): Write => ({ verb: 'delete', gvr: JOBS, object: job, propagationPolicy: 'Background' }),
  );
  return [...warning, ...deletes, create(cronJob, due.lastMs)];
}

/** Makes the Job of one time. Its name follows from the time, so that it is made once whatever happens. */
function create(cronJob: CronJob, atMs: number): Write {
  const { metadata, spec } = cronJob;
  const { labels, annotations } = spec.jobTemplate.metadata ?? {};
  const name = `${metadata.name}-${Math.floor(atMs / 60_000)}`;
  const job: Job = {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name,
      namespace: metadata.namespace ?? '',
      ...(labels && { labels: { ...labels } }),
      annotations: { ...annotations, [SCHEDULED_ANNOTATION]: formatTime(atMs) },
      ownerReferences: [controllerRef(cronJob, 'batch/v1', 'CronJob')],
    },
    spec: spec.jobTemplate.spec,
  };
  const lastScheduleTime = formatTime(atMs);
  const started: Write = {
    verb: 'patch',
    gvr: CRON_JOBS,
    name: metadata.name ?? '',
    namespace: metadata.namespace ?? '',
    subresource: 'status',
    merge: { status: { lastScheduleTime } },
  };
  return {
    verb: 'create',
    gvr: JOBS,
    object: job,
    succeeded: () => [started, note(cronJob, 'Normal', 'SuccessfulCreate', `Created job ${name}`)],
    failed: (error) =>
      error.reason === 'AlreadyExists'
        ? [started]
        : [note(cronJob, 'Warning', 'FailedCreate', `Error creating job: ${error.message}`)],
  };
}

function statusOf(cronJob: CronJob, jobs: readonly Job[], active: readonly Job[]): object {
  const completions = jobs.flatMap((job) =>
    isTrue(job.status?.conditions, 'Complete') && job.status?.completionTime ? [job.status.completionTime] : [],
  );
  const lastSuccessfulTime = [
    ...completions,
    ...(cronJob.status?.lastSuccessfulTime ? [cronJob.status.lastSuccessfulTime] : []),
  ]
    .sort()
    .at(-1);
  const { lastScheduleTime } = cronJob.status ?? {};
  return {
    active: active
      .map((job) => referenceTo(job, 'Job', 'batch/v1'))
      .map(({ resourceVersion: _revision, ...reference }) => reference),
    ...(lastScheduleTime && { lastScheduleTime }),
    ...(lastSuccessfulTime && { lastSuccessfulTime }),
  };
}

/** Finished Jobs beyond the limits go, oldest first. */
function dropHistory({ spec }: CronJob, jobs: readonly Job[]): Write[] {
  const startOf = (job: Job): number =>
    parseTime(job.status?.startTime) ?? parseTime(job.metadata.creationTimestamp) ?? 0;
  const excess = (type: 'Complete' | 'Failed', limit: number): Job[] => {
    const finished = jobs.filter((job) => isTrue(job.status?.conditions, type) && !job.metadata.deletionTimestamp);
    return finished.sort((a, b) => startOf(a) - startOf(b)).slice(0, Math.max(0, finished.length - limit));
  };
  const doomed = [
    ...excess('Complete', spec.successfulJobsHistoryLimit ?? 3),
    ...excess('Failed', spec.failedJobsHistoryLimit ?? 1),
  ];
  return doomed.map((object) => ({ verb: 'delete', gvr: JOBS, object, propagationPolicy: 'Background' }));
}

/** Jobs that the status still calls active but that have ended. */
function tellFinished(cronJob: CronJob, jobs: readonly Job[]): Write[] {
  const listed = new Set(cronJob.status?.active?.map(({ uid }) => uid));
  return jobs
    .filter((job) => listed.has(job.metadata.uid ?? '') && isFinished(job))
    .map((job) => {
      const outcome = isTrue(job.status?.conditions, 'Complete') ? 'Complete' : 'Failed';
      return note(
        cronJob,
        'Normal',
        'SawCompletedJob',
        `Saw completed job: ${job.metadata.name}, condition: ${outcome}`,
      );
    });
}

const note = (cronJob: CronJob, type: 'Normal' | 'Warning', reason: string, message: string): Write => ({
  verb: 'event',
  note: { about: referenceTo(cronJob, 'CronJob', 'batch/v1'), type, reason, message },
});
