import { type DefaultsTable, type Json, objectAt } from './rules.ts';

const INT32_MAX = 2 ** 31 - 1;
const HISTORY = 10;
const PROGRESS_DEADLINE_SECONDS = 600;
const BACKOFF_LIMIT = 6;
const TARGET_CPU_PERCENT = 80;

/** Rolling updates carry their numbers; other strategies carry none. */
const rolling =
  (numbers: Json) =>
  (strategy: Json): void => {
    if (strategy['type'] === 'RollingUpdate')
      strategy['rollingUpdate'] = { ...numbers, ...objectAt(strategy, 'rollingUpdate') };
  };

/** Completions and parallelism both default to 1 only if neither is given: a work queue leaves completions out. */
function fixJobSpec(spec: Json): void {
  if (spec['completions'] === undefined && spec['parallelism'] === undefined) spec['completions'] = 1;
  spec['parallelism'] ??= 1;
}

function labelFromTemplate(job: Json): void {
  const labels = objectAt(objectAt(objectAt(objectAt(job, 'spec'), 'template'), 'metadata'), 'labels');
  const meta = objectAt(job, 'metadata');
  if (Object.keys(labels).length > 0) meta['labels'] ??= { ...labels };
}

const scaleBy = (type: string, value: number): Json => ({ type, value, periodSeconds: 15 });
const SCALE_UP: Json = {
  stabilizationWindowSeconds: 0,
  selectPolicy: 'Max',
  policies: [scaleBy('Pods', 4), scaleBy('Percent', 100)],
};
const SCALE_DOWN: Json = { selectPolicy: 'Max', policies: [scaleBy('Percent', 100)] };

/** Claims inside a StatefulSet are shown as whole objects. */
function nameClaims(spec: Json): void {
  for (const claim of (spec['volumeClaimTemplates'] as Json[] | undefined) ?? []) {
    claim['kind'] = 'PersistentVolumeClaim';
    claim['apiVersion'] = 'v1';
  }
}

/** Workloads, autoscalers and what else runs pods. */
export const WORKLOAD_DEFAULTS: DefaultsTable = {
  'apps/v1.DeploymentSpec': {
    fields: { replicas: 1, revisionHistoryLimit: HISTORY, progressDeadlineSeconds: PROGRESS_DEADLINE_SECONDS },
  },
  'apps/v1.DeploymentStrategy': {
    fields: { type: 'RollingUpdate' },
    fix: rolling({ maxUnavailable: '25%', maxSurge: '25%' }),
  },
  'apps/v1.ReplicaSetSpec': { fields: { replicas: 1 } },
  'apps/v1.StatefulSetSpec': {
    fields: {
      replicas: 1,
      podManagementPolicy: 'OrderedReady',
      revisionHistoryLimit: HISTORY,
      persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
    },
    fix: nameClaims,
  },
  'apps/v1.StatefulSetPersistentVolumeClaimRetentionPolicy': {
    fields: { whenDeleted: 'Retain', whenScaled: 'Retain' },
  },
  'apps/v1.StatefulSetUpdateStrategy': { fields: { type: 'RollingUpdate' }, fix: rolling({ partition: 0 }) },
  'apps/v1.DaemonSetSpec': { fields: { revisionHistoryLimit: HISTORY } },
  'apps/v1.DaemonSetUpdateStrategy': {
    fields: { type: 'RollingUpdate' },
    fix: rolling({ maxUnavailable: 1, maxSurge: 0 }),
  },
  'batch/v1.Job': { fix: labelFromTemplate },
  'batch/v1.JobSpec': {
    fields: {
      backoffLimit: (spec: Json) => (spec['backoffLimitPerIndex'] === undefined ? BACKOFF_LIMIT : INT32_MAX),
      completionMode: 'NonIndexed',
      suspend: false,
      manualSelector: false,
      podReplacementPolicy: (spec: Json) => (spec['podFailurePolicy'] ? 'Failed' : 'TerminatingOrFailed'),
    },
    fix: fixJobSpec,
  },
  'batch/v1.PodFailurePolicyOnPodConditionsPattern': {
    fix: (pattern) => {
      pattern['status'] ||= 'True';
    },
  },
  'batch/v1.CronJobSpec': {
    fields: {
      concurrencyPolicy: 'Allow',
      suspend: false,
      successfulJobsHistoryLimit: 3,
      failedJobsHistoryLimit: 1,
    },
  },
  'autoscaling/v1.HorizontalPodAutoscalerSpec': { fields: { minReplicas: 1 } },
  'autoscaling/v2.HorizontalPodAutoscalerSpec': {
    fields: {
      minReplicas: 1,
      metrics: [
        {
          type: 'Resource',
          resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: TARGET_CPU_PERCENT } },
        },
      ],
    },
  },
  'autoscaling/v2.HorizontalPodAutoscalerBehavior': {
    fix: (behavior) => {
      behavior['scaleUp'] = { ...structuredClone(SCALE_UP), ...objectAt(behavior, 'scaleUp') };
      behavior['scaleDown'] = { ...structuredClone(SCALE_DOWN), ...objectAt(behavior, 'scaleDown') };
    },
  },
};
