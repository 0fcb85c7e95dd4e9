import type {
  AutoscalingV1HorizontalPodAutoscaler,
  ControllerRevision,
  CronJob,
  DaemonSet,
  Deployment,
  HorizontalPodAutoscaler,
  Job,
  MetricSpec,
  MetricStatus,
  MetricTarget,
  MetricValueStatus,
  PodDisruptionBudget,
  PodTemplate,
  ReplicaSet,
  ReplicationController,
  StatefulSet,
} from '#api/kube';
import { humanDuration, timestampAge } from './age.ts';
import {
  ageOf,
  containerCells,
  labelsText,
  NONE,
  nameOf,
  type Printer,
  printer,
  selectorText,
  UNSET,
} from './printer.ts';

const JOB_STATES = {
  Complete: 'Complete',
  Failed: 'Failed',
  Suspended: 'Suspended',
  FailureTarget: 'FailureTarget',
  SuccessCriteriaMet: 'SuccessCriteriaMet',
} as const;

function jobState({ metadata, status }: Job): string {
  const holds = (type: string) => status?.conditions?.some((each) => each.type === type && each.status === 'True');
  if (metadata.deletionTimestamp && !holds('Complete') && !holds('Failed')) return 'Terminating';
  return Object.keys(JOB_STATES).find(holds) ?? 'Running';
}

function completionsText({ spec, status }: Job): string {
  const succeeded = status?.succeeded ?? 0;
  if (spec?.completions !== undefined) return `${succeeded}/${spec.completions}`;
  const parallelism = spec?.parallelism ?? 0;
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`;
}

function jobDuration({ status }: Job, nowMs: number): string {
  if (!status?.startTime) return '';
  const endMs = status.completionTime ? Date.parse(status.completionTime) : nowMs;
  return humanDuration(endMs - Date.parse(status.startTime));
}

const METRICS_SHOWN_MAX = 2;

interface Metric {
  readonly name?: string;
  readonly target?: MetricTarget;
  readonly current?: MetricValueStatus;
}

/** A metric's target and current value, from whichever source it names. */
function metricOf(spec: MetricSpec, status: MetricStatus | undefined): Metric {
  const source = (spec.resource ?? spec.containerResource ?? spec.pods ?? spec.object ?? spec.external) as
    | { name?: string; target?: MetricTarget }
    | undefined;
  const seen = (status?.resource ?? status?.containerResource ?? status?.pods ?? status?.object ?? status?.external) as
    | { current?: MetricValueStatus }
    | undefined;
  return { ...source, ...(seen?.current && { current: seen.current }) };
}

function metricText(spec: MetricSpec, status: MetricStatus | undefined): string {
  const { name, target, current } = metricOf(spec, status);
  const unknown = '<unknown>';
  if (spec.type === 'Resource' || spec.type === 'ContainerResource') {
    if (target?.averageValue !== undefined)
      return `${name}: ${current?.averageValue ?? unknown}/${target.averageValue}`;
    const percent = (value: number | undefined, absent: string) => (value === undefined ? absent : `${value}%`);
    return `${name}: ${percent(current?.averageUtilization, unknown)}/${percent(target?.averageUtilization, '<auto>')}`;
  }
  if (target?.averageValue === undefined) return `${current?.value ?? unknown}/${target?.value}`;
  return `${current?.averageValue ?? unknown}/${target.averageValue}${spec.type === 'Pods' ? '' : ' (avg)'}`;
}

function metricsText(specs: readonly MetricSpec[], statuses: readonly MetricStatus[]): string {
  if (specs.length === 0) return NONE;
  const shown = specs.slice(0, METRICS_SHOWN_MAX).map((spec, at) => metricText(spec, statuses[at]));
  const more = specs.length - shown.length;
  return shown.join(', ') + (more > 0 ? ` + ${more} more...` : '');
}

function controllerText({ metadata }: ControllerRevision): string {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller);
  if (!owner) return NONE;
  const group = owner.apiVersion.includes('/') ? `.${owner.apiVersion.split('/')[0]}` : '';
  return `${owner.kind.toLowerCase()}${group}/${owner.name}`;
}

const HPA = 'Name|Reference|Targets|MinPods|MaxPods|Replicas|Age';

/** Workloads and what scales or protects them. */
export const WORKLOADS: Readonly<Record<string, Printer>> = {
  'apps/v1/Deployment': printer<Deployment>(
    'Name|Ready|Up-to-date|Available|Age|Containers+|Images+|Selector+',
    (object, nowMs) => [
      nameOf(object),
      `${object.status?.readyReplicas ?? 0}/${object.spec?.replicas ?? 0}`,
      object.status?.updatedReplicas ?? 0,
      object.status?.availableReplicas ?? 0,
      ageOf(object, nowMs),
      ...containerCells(object.spec?.template.spec?.containers),
      selectorText(object.spec?.selector),
    ],
  ),
  'apps/v1/ReplicaSet': printer<ReplicaSet>(
    'Name|Desired:i|Current:i|Ready:i|Age|Containers+|Images+|Selector+',
    (object, nowMs) => [
      nameOf(object),
      object.spec?.replicas ?? 0,
      object.status?.replicas ?? 0,
      object.status?.readyReplicas ?? 0,
      ageOf(object, nowMs),
      ...containerCells(object.spec?.template?.spec?.containers),
      selectorText(object.spec?.selector),
    ],
  ),
  '/v1/ReplicationController': printer<ReplicationController>(
    'Name|Desired:i|Current:i|Ready:i|Age|Containers+|Images+|Selector+',
    (object, nowMs) => [
      nameOf(object),
      object.spec?.replicas ?? 0,
      object.status?.replicas ?? 0,
      object.status?.readyReplicas ?? 0,
      ageOf(object, nowMs),
      ...containerCells(object.spec?.template?.spec?.containers),
      labelsText(object.spec?.selector),
    ],
  ),
  'apps/v1/StatefulSet': printer<StatefulSet>('Name|Ready|Age|Containers+|Images+', (object, nowMs) => [
    nameOf(object),
    `${object.status?.readyReplicas ?? 0}/${object.spec?.replicas ?? 0}`,
    ageOf(object, nowMs),
    ...containerCells(object.spec?.template.spec?.containers),
  ]),
  'apps/v1/DaemonSet': printer<DaemonSet>(
    'Name|Desired:i|Current:i|Ready:i|Up-to-date:i|Available:i|Node Selector|Age|Containers+|Images+|Selector+',
    (object, nowMs) => [
      nameOf(object),
      object.status?.desiredNumberScheduled ?? 0,
      object.status?.currentNumberScheduled ?? 0,
      object.status?.numberReady ?? 0,
      object.status?.updatedNumberScheduled ?? 0,
      object.status?.numberAvailable ?? 0,
      labelsText(object.spec?.template.spec?.nodeSelector),
      ageOf(object, nowMs),
      ...containerCells(object.spec?.template.spec?.containers),
      selectorText(object.spec?.selector),
    ],
  ),
  'apps/v1/ControllerRevision': printer<ControllerRevision>('Name|Controller|Revision|Age', (object, nowMs) => [
    nameOf(object),
    controllerText(object),
    object.revision,
    ageOf(object, nowMs),
  ]),
  'batch/v1/Job': printer<Job>(
    'Name|Status|Completions|Duration|Age|Containers+|Images+|Selector+',
    (object, nowMs) => [
      nameOf(object),
      jobState(object),
      completionsText(object),
      jobDuration(object, nowMs),
      ageOf(object, nowMs),
      ...containerCells(object.spec?.template.spec?.containers),
      selectorText(object.spec?.selector),
    ],
  ),
  'batch/v1/CronJob': printer<CronJob>(
    'Name|Schedule|Timezone|Suspend:b|Active:i|Last Schedule|Age|Containers+|Images+|Selector+',
    (object, nowMs) => [
      nameOf(object),
      object.spec?.schedule ?? '',
      object.spec?.timeZone ?? NONE,
      object.spec?.suspend === undefined ? UNSET : object.spec.suspend ? 'True' : 'False',
      object.status?.active?.length ?? 0,
      object.status?.lastScheduleTime ? timestampAge(object.status.lastScheduleTime, nowMs) : NONE,
      ageOf(object, nowMs),
      ...containerCells(object.spec?.jobTemplate.spec?.template.spec?.containers),
      selectorText(object.spec?.jobTemplate.spec?.selector),
    ],
  ),
  'autoscaling/v2/HorizontalPodAutoscaler': printer<HorizontalPodAutoscaler>(HPA, (object, nowMs) => [
    nameOf(object),
    `${object.spec?.scaleTargetRef.kind}/${object.spec?.scaleTargetRef.name}`,
    metricsText(object.spec?.metrics ?? [], object.status?.currentMetrics ?? []),
    String(object.spec?.minReplicas ?? UNSET),
    object.spec?.maxReplicas ?? 0,
    object.status?.currentReplicas ?? 0,
    ageOf(object, nowMs),
  ]),
  'autoscaling/v1/HorizontalPodAutoscaler': printer<AutoscalingV1HorizontalPodAutoscaler>(HPA, (object, nowMs) => {
    const current = object.status?.currentCPUUtilizationPercentage;
    const target = object.spec?.targetCPUUtilizationPercentage;
    return [
      nameOf(object),
      `${object.spec?.scaleTargetRef.kind}/${object.spec?.scaleTargetRef.name}`,
      target === undefined ? NONE : `cpu: ${current === undefined ? '<unknown>' : `${current}%`}/${target}%`,
      String(object.spec?.minReplicas ?? UNSET),
      object.spec?.maxReplicas ?? 0,
      object.status?.currentReplicas ?? 0,
      ageOf(object, nowMs),
    ];
  }),
  'policy/v1/PodDisruptionBudget': printer<PodDisruptionBudget>(
    'Name|Min Available|Max Unavailable|Allowed Disruptions:i|Age',
    (object, nowMs) => [
      nameOf(object),
      String(object.spec?.minAvailable ?? 'N/A'),
      String(object.spec?.maxUnavailable ?? 'N/A'),
      object.status?.disruptionsAllowed ?? 0,
      ageOf(object, nowMs),
    ],
  ),
  '/v1/PodTemplate': printer<PodTemplate>('Name|Containers|Images|Pod Labels', (object) => [
    nameOf(object),
    ...containerCells(object.template?.spec?.containers),
    labelsText(object.template?.metadata?.labels),
  ]),
};
