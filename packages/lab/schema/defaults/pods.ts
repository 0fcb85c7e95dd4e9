import { type DefaultsTable, type Json, listAt, objectAt } from './rules.ts';

const FILE_MODE = 0o644;

/** Always for images without tag or with tag `latest`, else IfNotPresent; a digest counts as a tag. */
function pullPolicy(image: unknown): string {
  const name =
    String(image ?? '')
      .split('/')
      .at(-1) ?? '';
  if (name.includes('@')) return 'IfNotPresent';
  const tag = name.split(':')[1] ?? 'latest';
  return tag === 'latest' ? 'Always' : 'IfNotPresent';
}

const CONTAINER = {
  fields: {
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    imagePullPolicy: (container: Json) => pullPolicy(container['image']),
  },
};

const MODE = { fields: { defaultMode: FILE_MODE } };

/** Volume sources are all fields of a volume but its name. */
const hasSource = (volume: Json) => Object.keys(volume).some((key) => key !== 'name');

/** The old and the new name of a pod's service account carry one value. */
function mirrorServiceAccount(spec: Json): void {
  const name = spec['serviceAccountName'] ?? spec['serviceAccount'];
  if (name === undefined) return;
  spec['serviceAccountName'] = name;
  spec['serviceAccount'] = name;
}

function requestsFromLimits(container: Json): void {
  const resources = objectAt(container, 'resources');
  if (resources['limits'] === undefined) return;
  resources['requests'] = { ...objectAt(resources, 'limits'), ...objectAt(resources, 'requests') };
}

function hostPorts(container: Json): void {
  for (const port of listAt(container, 'ports')) port['hostPort'] ??= port['containerPort'];
}

/** Defaults that only pods get, not the templates of workloads. */
function fixPod(pod: Json): void {
  const spec = objectAt(pod, 'spec');
  for (const field of ['initContainers', 'containers'])
    for (const container of listAt(spec, field)) {
      requestsFromLimits(container);
      if (spec['hostNetwork'] === true) hostPorts(container);
    }
  spec['enableServiceLinks'] ??= true;
  const status = objectAt(pod, 'status');
  if (status['podIP'] !== undefined && listAt(status, 'podIPs').length === 0)
    status['podIPs'] = [{ ip: status['podIP'] }];
}

const PROBE = { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 };

/** Pods and everything below a pod's spec, also inside the templates of workloads. */
export const POD_DEFAULTS: DefaultsTable = {
  'core/v1.Pod': { fix: fixPod },
  'core/v1.PodSpec': {
    fields: {
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 30,
      dnsPolicy: 'ClusterFirst',
      securityContext: {},
      schedulerName: 'default-scheduler',
    },
    fix: mirrorServiceAccount,
  },
  'core/v1.Container': CONTAINER,
  'core/v1.EphemeralContainer': CONTAINER,
  'core/v1.ContainerPort': { fields: { protocol: 'TCP' } },
  'core/v1.Probe': {
    fields: PROBE,
    fix: (probe) => {
      const grpc = probe['grpc'] as Json | undefined;
      if (grpc) grpc['service'] ??= '';
    },
  },
  'core/v1.HTTPGetAction': { fields: { path: '/', scheme: 'HTTP' } },
  'core/v1.ObjectFieldSelector': { fields: { apiVersion: 'v1' } },
  'core/v1.Volume': { fields: { emptyDir: (volume: Json) => (hasSource(volume) ? undefined : {}) } },
  'core/v1.SecretVolumeSource': MODE,
  'core/v1.ConfigMapVolumeSource': MODE,
  'core/v1.DownwardAPIVolumeSource': MODE,
  'core/v1.ProjectedVolumeSource': MODE,
  'core/v1.ServiceAccountTokenProjection': { fields: { expirationSeconds: 3600 } },
  'core/v1.HostPathVolumeSource': { fields: { type: '' } },
  'core/v1.ImageVolumeSource': { fields: { pullPolicy: (image: Json) => pullPolicy(image['reference']) } },
  'core/v1.ISCSIVolumeSource': { fields: { iscsiInterface: 'default' } },
  'core/v1.RBDVolumeSource': { fields: { pool: 'rbd', user: 'admin', keyring: '/etc/ceph/keyring' } },
};
