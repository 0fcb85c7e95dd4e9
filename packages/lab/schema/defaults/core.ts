import { type DefaultsTable, type Json, listAt, objectAt } from './rules.ts';

const CLIENT_IP_TIMEOUT_SECONDS = 10_800;
const EXTERNAL = new Set(['NodePort', 'LoadBalancer']);
const INTERNAL = new Set(['ClusterIP', 'NodePort', 'LoadBalancer']);

const isExternal = (spec: Json) =>
  EXTERNAL.has(String(spec['type'])) || (spec['type'] === 'ClusterIP' && listAt(spec, 'externalIPs').length > 0);

function fixServiceSpec(spec: Json): void {
  if (spec['sessionAffinity'] === 'None') delete spec['sessionAffinityConfig'];
  else if (objectAt(objectAt(spec, 'sessionAffinityConfig'), 'clientIP')['timeoutSeconds'] === undefined)
    spec['sessionAffinityConfig'] = { clientIP: { timeoutSeconds: CLIENT_IP_TIMEOUT_SECONDS } };
}

const ifType = (types: ReadonlySet<string>, value: unknown) => (spec: Json) =>
  types.has(String(spec['type'])) ? value : undefined;

/** `stringData` is write-only: its texts are kept in `data`. */
function foldStringData(secret: Json): void {
  const texts = secret['stringData'] as Record<string, string> | undefined;
  if (!texts) return;
  const data = objectAt(secret, 'data');
  for (const [key, text] of Object.entries(texts)) data[key] = Buffer.from(text, 'utf8').toString('base64');
  secret['data'] = data;
  delete secret['stringData'];
}

function labelWithName(namespace: Json): void {
  const meta = objectAt(namespace, 'metadata');
  if (meta['name']) meta['labels'] = { ...objectAt(meta, 'labels'), 'kubernetes.io/metadata.name': meta['name'] };
}

/** Limits default to the maximum, requests to limits and then to the minimum. */
function fixLimitRangeItem(item: Json): void {
  if (item['type'] !== 'Container') return;
  const limits = { ...objectAt(item, 'max'), ...objectAt(item, 'default') };
  const requests = { ...objectAt(item, 'min'), ...limits, ...objectAt(item, 'defaultRequest') };
  if (Object.keys(limits).length > 0) item['default'] = limits;
  if (Object.keys(requests).length > 0) item['defaultRequest'] = requests;
}

/** Core kinds other than pods. */
export const CORE_DEFAULTS: DefaultsTable = {
  'core/v1.ServiceSpec': {
    fields: {
      sessionAffinity: 'None',
      type: 'ClusterIP',
      externalTrafficPolicy: (spec: Json) => (isExternal(spec) ? 'Cluster' : undefined),
      internalTrafficPolicy: ifType(INTERNAL, 'Cluster'),
      allocateLoadBalancerNodePorts: ifType(new Set(['LoadBalancer']), true),
    },
    fix: fixServiceSpec,
  },
  'core/v1.ServicePort': {
    fields: { protocol: 'TCP' },
    fix: (port) => {
      if (!port['targetPort']) port['targetPort'] = port['port'];
    },
  },
  'core/v1.LoadBalancerIngress': { fields: { ipMode: (ingress: Json) => (ingress['ip'] ? 'VIP' : undefined) } },
  'core/v1.EndpointPort': { fields: { protocol: 'TCP' } },
  'core/v1.Secret': { fields: { type: 'Opaque' }, fix: foldStringData },
  'core/v1.Namespace': { fix: labelWithName },
  'core/v1.NamespaceStatus': { fields: { phase: 'Active' } },
  'core/v1.NodeStatus': { fields: { allocatable: (status: Json) => structuredClone(status['capacity']) } },
  'core/v1.NodeSpec': {
    fix: (spec) => {
      if (spec['podCIDR'] && listAt(spec, 'podCIDRs').length === 0) spec['podCIDRs'] = [spec['podCIDR']];
    },
  },
  'core/v1.PersistentVolumeSpec': { fields: { persistentVolumeReclaimPolicy: 'Retain', volumeMode: 'Filesystem' } },
  'core/v1.PersistentVolumeStatus': { fields: { phase: 'Pending' } },
  'core/v1.PersistentVolumeClaimSpec': { fields: { volumeMode: 'Filesystem' } },
  'core/v1.PersistentVolumeClaimStatus': { fields: { phase: 'Pending' } },
  'core/v1.LimitRangeItem': { fix: fixLimitRangeItem },
  'core/v1.ReplicationController': {
    fix: (controller) => {
      const spec = objectAt(controller, 'spec');
      spec['replicas'] ??= 1;
      const labels = objectAt(objectAt(objectAt(spec, 'template'), 'metadata'), 'labels');
      if (Object.keys(labels).length === 0) return;
      spec['selector'] ??= { ...labels };
      objectAt(controller, 'metadata')['labels'] ??= { ...labels };
    },
  },
  'discovery/v1.EndpointPort': { fields: { name: '', protocol: 'TCP' } },
};
