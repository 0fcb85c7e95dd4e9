import type { LabelSelector } from '#api/kube';
import { matchesLabelSelector } from '../../selectors/index.ts';
import type { At } from './cause.ts';
import { atMostOne, between, countOrPercent, form, type Json, nonNegative, positive } from './checks.ts';
import { dnsLabel } from './names.ts';
import { immutable, listAt, objectAt, type RulesTable, type Scope, same } from './rules.ts';

const CRON_NAME_MAX = 52;

interface Workload {
  /** How an empty selector is refused. */
  readonly emptySelectorOf: string;
  /** How messages call the kind. */
  readonly kind: string;
}

/** What all workloads that keep pods running ask of their selector and template. */
function checkTemplate(spec: Json, at: At, { emptySelectorOf, kind }: Workload): void {
  const selector = spec['selector'] as LabelSelector | undefined;
  if (!selector) at.child('selector').required();
  else checkSelector(spec, selector, at, emptySelectorOf);
  const pod = objectAt(objectAt(spec, 'template'), 'spec');
  const podAt = at.child('template').child('spec');
  if (pod['restartPolicy'] !== 'Always') podAt.child('restartPolicy').notSupported(pod['restartPolicy'], ['Always']);
  if (pod['activeDeadlineSeconds'] !== undefined)
    podAt.child('activeDeadlineSeconds').forbidden(`activeDeadlineSeconds in ${kind} is not Supported`);
}

function checkSelector(spec: Json, selector: LabelSelector, at: At, emptySelectorOf: string): void {
  const parts = Object.keys(selector.matchLabels ?? {}).length + (selector.matchExpressions ?? []).length;
  if (parts === 0) at.child('selector').invalid(selector, `empty selector is invalid for ${emptySelectorOf}`);
  const labels = objectAt(objectAt(spec, 'template'), 'metadata')['labels'] as Record<string, string> | undefined;
  if (parts > 0 && !matchesLabelSelector(selector, labels ?? {}))
    at.child('template')
      .child('metadata')
      .child('labels')
      .invalid(labels ?? null, '`selector` does not match template `labels`');
}

/** 0, `0%` and absence are all nothing. */
const isNothing = (value: unknown): boolean => value === undefined || Number.parseInt(String(value), 10) === 0;

function checkDeployment(spec: Json, at: At): void {
  checkTemplate(spec, at, { emptySelectorOf: 'deployment', kind: 'ReplicaSet' });
  const { progressDeadlineSeconds, minReadySeconds = 0 } = spec as Record<string, number>;
  if (progressDeadlineSeconds !== undefined && progressDeadlineSeconds <= minReadySeconds)
    at.child('progressDeadlineSeconds').invalid(progressDeadlineSeconds, 'must be greater than minReadySeconds');
}

function checkDeploymentStrategy({ type, rollingUpdate }: Json, at: At): void {
  if (type === 'Recreate' && rollingUpdate !== undefined)
    at.child('rollingUpdate').forbidden("may not be specified when strategy `type` is 'Recreate'");
}

const ROLLING = {
  fields: { maxUnavailable: [countOrPercent], maxSurge: [countOrPercent] },
  check: ({ maxUnavailable, maxSurge }: Json, at: At) => {
    if (isNothing(maxUnavailable) && isNothing(maxSurge))
      at.child('maxUnavailable').invalid(maxUnavailable ?? 0, 'may not be 0 when `maxSurge` is 0');
  },
};

const STATEFUL_CHANGEABLE = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
];

function checkStatefulSet(set: Json, at: At, { old }: Scope): void {
  if (!old) return;
  const fixed = (spec: Json) =>
    Object.fromEntries(Object.entries(spec).filter(([key]) => !STATEFUL_CHANGEABLE.includes(key)));
  if (same(withoutStatus(fixed(objectAt(set, 'spec'))), withoutStatus(fixed(objectAt(old, 'spec'))))) return;
  const names = STATEFUL_CHANGEABLE.map((field) => `'${field}'`);
  const list = `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
  at.child('spec').forbidden(`updates to statefulset spec for fields other than ${list} are forbidden`);
}

/** The status inside claim templates is the server's own doing. */
const withoutStatus = (spec: Json): Json => ({
  ...spec,
  volumeClaimTemplates: listAt(spec, 'volumeClaimTemplates').map(({ status: _, ...claim }) => claim),
});

const JOB_FIXED = [
  'selector',
  'completionMode',
  'podFailurePolicy',
  'backoffLimitPerIndex',
  'managedBy',
  'successPolicy',
];

function checkJobSpec(spec: Json, at: At): void {
  const policy = objectAt(objectAt(spec, 'template'), 'spec')['restartPolicy'];
  if (policy === 'Always' || policy === undefined)
    at.child('template').child('spec').child('restartPolicy').required('valid values: "OnFailure", "Never"');
  const indexed = spec['completionMode'] === 'Indexed';
  if (indexed && spec['completions'] === undefined) at.child('completions').required('when completion mode is Indexed');
  if (!indexed)
    for (const field of ['backoffLimitPerIndex', 'maxFailedIndexes'])
      if (spec[field] !== undefined) at.child(field).invalid(spec[field], 'requires indexed completion mode');
  if (!indexed && spec['successPolicy'] !== undefined)
    at.child('successPolicy').invalid(spec['successPolicy'], 'requires indexed completion mode');
  if (spec['maxFailedIndexes'] !== undefined && spec['backoffLimitPerIndex'] === undefined)
    at.child('backoffLimitPerIndex').required('when maxFailedIndexes is specified');
  if (spec['podFailurePolicy'] !== undefined) checkFailurePolicy(spec, at, policy);
}

function checkFailurePolicy(spec: Json, at: At, restartPolicy: unknown): void {
  const here = at.child('podFailurePolicy');
  if (restartPolicy !== 'Never')
    at.child('template')
      .child('spec')
      .child('restartPolicy')
      .invalid(restartPolicy, 'only "Never" is supported when podFailurePolicy is specified');
  if (spec['podReplacementPolicy'] === 'TerminatingOrFailed')
    at.child('podReplacementPolicy').notSupported('TerminatingOrFailed', ['Failed']);
  listAt(objectAt(spec, 'podFailurePolicy'), 'rules').forEach((rule, index) => {
    const ruleAt = here.child('rules').item(index);
    if (rule['action'] === 'FailIndex' && spec['backoffLimitPerIndex'] === undefined)
      ruleAt.child('action').invalid('FailIndex', 'requires the backoffLimitPerIndex to be set');
    atMostOne(rule, ruleAt, ['onExitCodes', 'onPodConditions'], {
      many: 'specifying both OnExitCodes and OnPodConditions is not supported',
      absent: 'specifying one of OnExitCodes and OnPodConditions is required',
    });
    checkExitCodes(rule, ruleAt.child('onExitCodes'));
  });
}

function checkExitCodes({ onExitCodes }: Json, at: At): void {
  if (onExitCodes === undefined) return;
  const { operator, values = [] } = onExitCodes as { operator?: string; values?: number[] };
  if (values.length === 0) at.child('values').invalid(values, 'at least one value is required');
  if (operator === 'In' && values.includes(0))
    at.child('values').item(values.indexOf(0)).invalid(0, 'must not be 0 for the In operator');
}

/** A suspended job that never started may still get another template; others keep theirs. */
function checkJob(job: Json, at: At, scope: Scope): void {
  const { old } = scope;
  if (!old) return;
  const [spec, before] = [objectAt(job, 'spec'), objectAt(old, 'spec')];
  const specAt = at.child('spec');
  immutable(scope, specAt, spec, before, JOB_FIXED);
  const startable = before['suspend'] === true && objectAt(old, 'status')['startTime'] === undefined;
  if (!startable) immutable(scope, specAt, spec, before, ['template']);
  if (spec['completionMode'] !== 'Indexed') immutable(scope, specAt, spec, before, ['completions']);
}

function checkCronJob(job: Json, at: At, { old }: Scope): void {
  const name = String(objectAt(job, 'metadata')['name'] ?? '');
  if (!old && name.length > CRON_NAME_MAX)
    at.child('metadata').child('name').invalid(name, `must be no more than ${CRON_NAME_MAX} characters`);
}

const CRON_RANGES = [
  [0, 59, ''],
  [0, 23, ''],
  [1, 31, ''],
  [1, 12, 'jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec'],
  [0, 6, 'sun|mon|tue|wed|thu|fri|sat'],
] as const;
const CRON_NICKNAME = /^@(yearly|annually|monthly|weekly|daily|midnight|hourly)$|^@every \S+$/;

/** Five fields of lists of ranges with steps, or a nickname. */
function checkSchedule(value: unknown, at: At): void {
  const schedule = String(value);
  if (schedule.includes('TZ')) {
    at.invalid(value, 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead');
    return;
  }
  if (CRON_NICKNAME.test(schedule)) return;
  const fields = schedule.trim().split(/\s+/);
  if (fields.length !== CRON_RANGES.length) {
    at.invalid(value, `expected exactly 5 fields, found ${fields.length}: [${fields.join(' ')}]`);
    return;
  }
  for (const [index, range] of CRON_RANGES.entries()) {
    const fault = (fields[index] ?? '')
      .split(',')
      .map((part) => cronFault(part, range))
      .find(Boolean);
    if (fault) {
      at.invalid(value, fault);
      return;
    }
  }
}

function cronFault(part: string, [min, max, names]: (typeof CRON_RANGES)[number]): string | undefined {
  const [span = '', step, ...tooMany] = part.split('/');
  if (tooMany.length > 0) return `too many slashes: ${part}`;
  if (step !== undefined && !/^[1-9]\d*$/.test(step))
    return `failed to parse int from ${step}: strconv.Atoi: parsing "${step}": invalid syntax`;
  if (span === '*' || span === '?') return undefined;
  const bounds = span.split('-');
  if (bounds.length > 2) return `too many hyphens: ${part}`;
  const numbers = bounds.map((text) => {
    const named = names === '' ? -1 : names.split('|').indexOf(text.toLowerCase());
    return named >= 0 ? named + min : /^\d+$/.test(text) ? Number(text) : Number.NaN;
  });
  const [first = 0, last = first] = numbers;
  const odd = numbers.findIndex(Number.isNaN);
  if (odd >= 0)
    return `failed to parse int from ${bounds[odd]}: strconv.Atoi: parsing "${bounds[odd]}": invalid syntax`;
  if (first < min) return `beginning of range (${first}) below minimum (${min}): ${part}`;
  if (last > max) return `end of range (${last}) above maximum (${max}): ${part}`;
  return first > last ? `beginning of range (${first}) beyond end of range (${last}): ${part}` : undefined;
}

function checkTimeZone(value: unknown, at: At): void {
  try {
    new Intl.DateTimeFormat('en', { timeZone: String(value) });
  } catch {
    // The formatter throws for zones it does not know: that is the answer.
    at.invalid(value, `unknown time zone ${value}`);
  }
}

function checkHpa({ minReplicas = 1, maxReplicas = 0 }: Record<string, unknown>, at: At): void {
  if ((maxReplicas as number) < 1) at.child('maxReplicas').invalid(maxReplicas, 'must be greater than 0');
  else if ((maxReplicas as number) < (minReplicas as number))
    at.child('maxReplicas').invalid(maxReplicas, 'must be greater than or equal to `minReplicas`');
}

function checkBudget(spec: Json, at: At): void {
  if (spec['minAvailable'] !== undefined && spec['maxUnavailable'] !== undefined)
    at.invalid(spec, 'minAvailable and maxUnavailable cannot be both set');
}

const COUNTS = { replicas: [nonNegative], minReadySeconds: [nonNegative], revisionHistoryLimit: [nonNegative] };
const HPA = { fields: { minReplicas: [nonNegative] }, check: checkHpa };
const TARGET = { fields: { kind: ['required'], name: ['required'] } } as const;

/** Workloads, autoscalers, disruption budgets. */
export const WORKLOAD_RULES: RulesTable = {
  'apps/v1.DeploymentSpec': {
    fields: { ...COUNTS, progressDeadlineSeconds: [nonNegative] },
    check: checkDeployment,
  },
  'apps/v1.DeploymentStrategy': { check: checkDeploymentStrategy },
  'apps/v1.RollingUpdateDeployment': ROLLING,
  'apps/v1.ReplicaSetSpec': {
    fields: { replicas: [nonNegative], minReadySeconds: [nonNegative] },
    check: (spec, at) => checkTemplate(spec, at, { emptySelectorOf: 'deployment', kind: 'ReplicaSet' }),
  },
  'apps/v1.StatefulSet': { check: checkStatefulSet },
  'apps/v1.StatefulSetSpec': {
    fields: { ...COUNTS, serviceName: [form(dnsLabel)] },
    check: (spec, at) => checkTemplate(spec, at, { emptySelectorOf: 'statefulset', kind: 'StatefulSet' }),
  },
  'apps/v1.DaemonSetSpec': {
    fields: { minReadySeconds: [nonNegative], revisionHistoryLimit: [nonNegative] },
    check: (spec, at) => checkTemplate(spec, at, { emptySelectorOf: 'daemonset', kind: 'DaemonSet' }),
  },
  'apps/v1.RollingUpdateDaemonSet': ROLLING,
  'batch/v1.Job': { check: checkJob },
  'batch/v1.JobSpec': {
    fields: {
      parallelism: [nonNegative],
      completions: [nonNegative],
      activeDeadlineSeconds: [nonNegative],
      backoffLimit: [nonNegative],
      ttlSecondsAfterFinished: [nonNegative],
      backoffLimitPerIndex: [nonNegative],
      maxFailedIndexes: [nonNegative],
    },
    check: checkJobSpec,
  },
  'batch/v1.CronJob': { check: checkCronJob },
  'batch/v1.CronJobSpec': {
    fields: {
      schedule: ['required', checkSchedule],
      timeZone: [checkTimeZone],
      startingDeadlineSeconds: [nonNegative],
      successfulJobsHistoryLimit: [nonNegative],
      failedJobsHistoryLimit: [nonNegative],
    },
  },
  'autoscaling/v1.HorizontalPodAutoscalerSpec': HPA,
  'autoscaling/v2.HorizontalPodAutoscalerSpec': HPA,
  'autoscaling/v1.CrossVersionObjectReference': TARGET,
  'autoscaling/v2.CrossVersionObjectReference': TARGET,
  'autoscaling/v2.HPAScalingRules': { fields: { stabilizationWindowSeconds: [between(0, 3600)] } },
  'autoscaling/v2.HPAScalingPolicy': { fields: { value: [positive], periodSeconds: [between(1, 1800)] } },
  'policy/v1.PodDisruptionBudgetSpec': {
    fields: { minAvailable: [countOrPercent], maxUnavailable: [countOrPercent] },
    check: checkBudget,
  },
};
