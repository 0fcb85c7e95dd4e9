import type { AnyObject } from '#api/kube';
import type { Resource } from './resource.ts';

type Conversion = NonNullable<Resource['conversion']>;
type Fields = Record<string, unknown>;

/** Between a built-in version and the one that its objects are kept in, by `group/version/resource`. */
export const CONVERSIONS: Readonly<Record<string, Conversion>> = {
  'autoscaling/v1/horizontalpodautoscalers': { fromStored: autoscalerToV1, toStored: autoscalerToV2 },
  'events.k8s.io/v1/events': { fromStored: eventToNew, toStored: eventToCore },
};

/** Keeps what v1 cannot say: metrics other than CPU utilization, and behaviour. */
const METRICS_ANNOTATION = 'autoscaling.alpha.kubernetes.io/metrics';
const BEHAVIOR_ANNOTATION = 'autoscaling.alpha.kubernetes.io/behavior';

interface Metric {
  type?: string;
  resource?: { name?: string; target?: { type?: string; averageUtilization?: number } };
}

const isCpuUtilization = ({ type, resource }: Metric): boolean =>
  type === 'Resource' && resource?.name === 'cpu' && resource.target?.type === 'Utilization';

function autoscalerToV1(stored: AnyObject): AnyObject {
  const { metrics = [], behavior, ...spec } = (stored['spec'] ?? {}) as Fields & { metrics?: Metric[] };
  const {
    currentMetrics,
    conditions: _conditions,
    ...status
  } = (stored['status'] ?? {}) as Fields & {
    currentMetrics?:
      | { type?: string; resource?: { name?: string; current?: { averageUtilization?: number } } }[]
      | null;
  };
  const cpu = metrics.find(isCpuUtilization)?.resource?.target?.averageUtilization;
  const others = metrics.filter((metric) => !isCpuUtilization(metric));
  const current = currentMetrics?.find(({ resource }) => resource?.name === 'cpu')?.resource?.current
    ?.averageUtilization;
  const annotations = {
    ...stored.metadata.annotations,
    ...(others.length > 0 && { [METRICS_ANNOTATION]: JSON.stringify(others) }),
    ...(behavior !== undefined && { [BEHAVIOR_ANNOTATION]: JSON.stringify(behavior) }),
  };
  return {
    ...stored,
    apiVersion: 'autoscaling/v1',
    metadata: { ...stored.metadata, ...(Object.keys(annotations).length > 0 && { annotations }) },
    spec: { ...spec, ...(cpu !== undefined && { targetCPUUtilizationPercentage: cpu }) },
    status: { ...status, ...(current !== undefined && { currentCPUUtilizationPercentage: current }) },
  };
}

function autoscalerToV2(served: AnyObject): AnyObject {
  const { targetCPUUtilizationPercentage: cpu, ...spec } = (served['spec'] ?? {}) as Fields;
  const { currentCPUUtilizationPercentage: current, ...status } = (served['status'] ?? {}) as Fields;
  const {
    [METRICS_ANNOTATION]: others,
    [BEHAVIOR_ANNOTATION]: behavior,
    ...annotations
  } = served.metadata.annotations ?? {};
  const metrics = [
    ...(cpu === undefined ? [] : [cpuMetric('target', { type: 'Utilization', averageUtilization: cpu })]),
    ...((others ? JSON.parse(others) : []) as unknown[]),
  ];
  const { annotations: _, ...metadata } = served.metadata;
  return {
    ...served,
    apiVersion: 'autoscaling/v2',
    metadata: { ...metadata, ...(Object.keys(annotations).length > 0 && { annotations }) },
    spec: { ...spec, ...(metrics.length > 0 && { metrics }), ...(behavior && { behavior: JSON.parse(behavior) }) },
    status: {
      ...status,
      currentMetrics: current === undefined ? null : [cpuMetric('current', { averageUtilization: current })],
    },
  };
}

const cpuMetric = (field: 'target' | 'current', value: Fields): Fields => ({
  type: 'Resource',
  resource: { name: 'cpu', [field]: value },
});

/** Core Event and events.k8s.io Event are one object under two sets of names. */
const EVENT_NAMES = [
  ['involvedObject', 'regarding'],
  ['message', 'note'],
  ['reportingComponent', 'reportingController'],
  ['source', 'deprecatedSource'],
  ['firstTimestamp', 'deprecatedFirstTimestamp'],
  ['lastTimestamp', 'deprecatedLastTimestamp'],
  ['count', 'deprecatedCount'],
] as const;

function renamed(object: AnyObject, apiVersion: string, names: readonly (readonly [string, string])[]): AnyObject {
  const result: AnyObject = { ...object, apiVersion };
  for (const [from, to] of names) {
    const value = result[from];
    delete result[from];
    if (value !== undefined) result[to] = value;
  }
  return result;
}

function eventToNew(stored: AnyObject): AnyObject {
  return renamed(stored, 'events.k8s.io/v1', EVENT_NAMES);
}

function eventToCore(served: AnyObject): AnyObject {
  return renamed(
    served,
    'v1',
    EVENT_NAMES.map(([core, other]) => [other, core] as const),
  );
}
