import type {
  ComponentStatus,
  ConfigMap,
  Event,
  EventsEvent,
  Namespace,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  ResourceQuota,
  Secret,
  ServiceAccount,
} from '#api/kube';
import { timestampAge } from './age.ts';
import { ageOf, NONE, nameOf, type Printer, printer, UNSET } from './printer.ts';

const ROLE_PREFIX = 'node-role.kubernetes.io/';
const ROLE_LABEL = 'kubernetes.io/role';
const UNKNOWN = '<unknown>';

function nodeStatus({ spec, status }: Node): string {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  const state = ready ? (ready.status === 'True' ? 'Ready' : 'NotReady') : 'Unknown';
  return spec?.unschedulable ? `${state},SchedulingDisabled` : state;
}

function rolesText({ metadata }: Node): string {
  const labels = Object.entries(metadata.labels ?? {});
  const roles = labels.flatMap(([key, value]) =>
    key.startsWith(ROLE_PREFIX) ? key.slice(ROLE_PREFIX.length) || [] : key === ROLE_LABEL ? value || [] : [],
  );
  return [...new Set(roles)].sort().join(',') || NONE;
}

const addressOf = ({ status }: Node, type: string): string =>
  status?.addresses?.find((address) => address.type === type)?.address ?? NONE;

/** Events of both groups, seen through the core one. */
function eventCells(event: Event, nowMs: number): unknown[] {
  const firstSeen = timestampAge(event.firstTimestamp ?? event.eventTime, nowMs);
  const lastSeen = event.lastTimestamp ? timestampAge(event.lastTimestamp, nowMs) : firstSeen;
  const { kind = '', name = '', fieldPath = '' } = event.involvedObject ?? {};
  const component = event.source?.component || event.reportingComponent || '';
  const host = event.source?.host || event.reportingInstance || '';
  return [
    event.series ? timestampAge(event.series.lastObservedTime, nowMs) : lastSeen,
    event.type ?? '',
    event.reason ?? '',
    name ? `${kind.toLowerCase()}/${name}` : kind.toLowerCase(),
    fieldPath,
    host ? `${component}, ${host}` : component,
    (event.message ?? '').trim(),
    firstSeen,
    String(event.series?.count ?? (event.count || 1)),
    nameOf(event),
  ];
}

/** The core form of an events.k8s.io Event, as far as its cells show. */
function asCoreEvent(event: EventsEvent): Event {
  const { deprecatedSource, deprecatedFirstTimestamp, deprecatedLastTimestamp, deprecatedCount } = event;
  return {
    metadata: event.metadata,
    involvedObject: event.regarding ?? {},
    ...(event.type && { type: event.type }),
    ...(event.reason && { reason: event.reason }),
    ...(event.note && { message: event.note }),
    ...(event.eventTime && { eventTime: event.eventTime }),
    ...(event.series && { series: event.series }),
    ...(deprecatedSource && { source: deprecatedSource }),
    ...(deprecatedFirstTimestamp && { firstTimestamp: deprecatedFirstTimestamp }),
    ...(deprecatedLastTimestamp && { lastTimestamp: deprecatedLastTimestamp }),
    ...(deprecatedCount && { count: deprecatedCount }),
    reportingComponent: event.reportingController ?? '',
    reportingInstance: event.reportingInstance ?? '',
  };
}

const EVENT = 'Last Seen|Type|Reason|Object|Subobject+|Source+|Message|First Seen+|Count+|Name+';

const ACCESS_MODES: Readonly<Record<string, string>> = {
  ReadWriteOnce: 'RWO',
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  ReadWriteOncePod: 'RWOP',
};
const modesText = (modes: readonly string[] = []): string =>
  Object.keys(ACCESS_MODES)
    .filter((mode) => modes.includes(mode))
    .map((mode) => ACCESS_MODES[mode])
    .join(',');

const phaseOf = (object: PersistentVolume | PersistentVolumeClaim): string =>
  object.metadata.deletionTimestamp ? 'Terminating' : (object.status?.phase ?? '');

/** `limits.*` of a quota stand in a column of their own. */
function quotaText({ status }: ResourceQuota, limits: boolean): string {
  const names = Object.keys(status?.hard ?? {}).sort();
  return names
    .filter((name) => name.startsWith('limits.') === limits)
    .map((name) => `${name}: ${status?.used?.[name] ?? '0'}/${status?.hard?.[name]}`)
    .join(', ');
}

const sizeOf = (...maps: (Readonly<Record<string, unknown>> | undefined)[]): number =>
  maps.reduce((sum, map) => sum + Object.keys(map ?? {}).length, 0);

/** Core kinds other than pods and services. */
export const CLUSTER: Readonly<Record<string, Printer>> = {
  '/v1/Node': printer<Node>(
    'Name|Status|Roles|Age|Version|Internal-IP+|External-IP+|OS-Image+|Kernel-Version+|Container-Runtime+',
    (node, nowMs) => {
      const info = node.status?.nodeInfo;
      return [
        nameOf(node),
        nodeStatus(node),
        rolesText(node),
        ageOf(node, nowMs),
        info?.kubeletVersion ?? '',
        addressOf(node, 'InternalIP'),
        addressOf(node, 'ExternalIP'),
        info?.osImage || UNKNOWN,
        info?.kernelVersion || UNKNOWN,
        info?.containerRuntimeVersion || UNKNOWN,
      ];
    },
  ),
  '/v1/Namespace': printer<Namespace>('Name|Status|Age', (object, nowMs) => [
    nameOf(object),
    object.status?.phase ?? '',
    ageOf(object, nowMs),
  ]),
  '/v1/Event': printer<Event>(EVENT, eventCells),
  'events.k8s.io/v1/Event': printer<EventsEvent>(EVENT, (event, nowMs) => eventCells(asCoreEvent(event), nowMs)),
  '/v1/ConfigMap': printer<ConfigMap>('Name|Data|Age', (object, nowMs) => [
    nameOf(object),
    sizeOf(object.data, object.binaryData),
    ageOf(object, nowMs),
  ]),
  '/v1/Secret': printer<Secret>('Name|Type|Data|Age', (object, nowMs) => [
    nameOf(object),
    object.type ?? '',
    sizeOf(object.data),
    ageOf(object, nowMs),
  ]),
  '/v1/ServiceAccount': printer<ServiceAccount>('Name|Secrets|Age', (object, nowMs) => [
    nameOf(object),
    object.secrets?.length ?? 0,
    ageOf(object, nowMs),
  ]),
  '/v1/ResourceQuota': printer<ResourceQuota>('Name|Request|Limit|Age', (object, nowMs) => [
    nameOf(object),
    quotaText(object, false),
    quotaText(object, true),
    ageOf(object, nowMs),
  ]),
  '/v1/PersistentVolume': printer<PersistentVolume>(
    'Name|Capacity|Access Modes|Reclaim Policy|Status|Claim|StorageClass|VolumeAttributesClass|Reason|Age|VolumeMode+',
    (object, nowMs) => {
      const { spec = {} } = object;
      return [
        nameOf(object),
        spec.capacity?.['storage'] ?? '0',
        modesText(spec.accessModes),
        spec.persistentVolumeReclaimPolicy ?? '',
        phaseOf(object),
        spec.claimRef ? `${spec.claimRef.namespace ?? ''}/${spec.claimRef.name ?? ''}` : '',
        spec.storageClassName ?? '',
        spec.volumeAttributesClassName ?? UNSET,
        object.status?.reason ?? '',
        ageOf(object, nowMs),
        spec.volumeMode ?? UNSET,
      ];
    },
  ),
  '/v1/PersistentVolumeClaim': printer<PersistentVolumeClaim>(
    'Name|Status|Volume|Capacity|Access Modes|StorageClass|VolumeAttributesClass|Age|VolumeMode+',
    (object, nowMs) => {
      const { spec = {}, status = {} } = object;
      const bound = Boolean(spec.volumeName);
      return [
        nameOf(object),
        phaseOf(object),
        spec.volumeName ?? '',
        bound ? (status.capacity?.['storage'] ?? '0') : '',
        bound ? modesText(status.accessModes) : '',
        spec.storageClassName ?? '',
        spec.volumeAttributesClassName ?? UNSET,
        ageOf(object, nowMs),
        spec.volumeMode ?? UNSET,
      ];
    },
  ),
  '/v1/ComponentStatus': printer<ComponentStatus>('Name|Status|Message|Error', (object) => {
    const health = object.conditions?.find(({ type }) => type === 'Healthy');
    const state = health ? (health.status === 'True' ? 'Healthy' : 'Unhealthy') : 'Unknown';
    return [nameOf(object), state, health?.message ?? '', health?.error ?? ''];
  }),
};
