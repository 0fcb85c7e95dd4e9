import { quantityNumber } from '../quantity.ts';
import type { At } from './cause.ts';
import {
  atMostOne,
  between,
  each,
  form,
  ip,
  isEmpty,
  type Json,
  labels,
  nonNegative,
  port,
  portOrName,
  positive,
  quantities,
  uniqueBy,
} from './checks.ts';
import { dnsLabel, dnsSubdomain, envName, headerName, labelValue, portName, qualifiedName } from './names.ts';
import { listAt, objectAt, type RulesTable, type Scope, type StructRules } from './rules.ts';

const INT32_MAX = 2 ** 31 - 1;
const UID = between(0, INT32_MAX);
const MODE = between(0, 0o777);
const HANDLERS = ['exec', 'httpGet', 'tcpSocket', 'grpc', 'sleep'];
const ONE_HANDLER = { many: 'may not specify more than 1 handler type', absent: 'must specify a handler type' };

/** All sources that a volume may have stand beside its name. */
function checkVolume(volume: Json, at: At): void {
  const sources = Object.keys(volume).filter((field) => field !== 'name');
  atMostOne(volume, at, sources, {
    many: 'may not specify more than 1 volume type',
    absent: 'must specify a volume type',
  });
}

const ENV_SOURCES = ['fieldRef', 'resourceFieldRef', 'configMapKeyRef', 'secretKeyRef', 'fileKeyRef'];

function checkEnv(env: Json, at: At): void {
  const source = env['valueFrom'] as Json | undefined;
  if (!source) return;
  const given = ENV_SOURCES.filter((field) => source[field] !== undefined);
  const here = at.child('valueFrom');
  if (given.length === 0)
    here.invalid('', 'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`');
  else if (!isEmpty(env['value'])) here.invalid('', 'may not be specified when `value` is not empty');
  else if (given.length > 1) here.invalid('', 'may not have more than one field specified at a time');
}

/** A request may not exceed its limit. */
function checkResources(resources: Json, at: At): void {
  const limits = objectAt(resources, 'limits') as Record<string, string>;
  for (const [name, request] of Object.entries(objectAt(resources, 'requests') as Record<string, string>)) {
    const limit = limits[name];
    if (limit !== undefined && quantityNumber(request) > quantityNumber(limit))
      at.child('requests').invalid(request, `must be less than or equal to ${name} limit of ${limit}`);
  }
}

function checkMounts(mounts: Json[], at: At): void {
  const paths = new Set<unknown>();
  mounts.forEach((mount, index) => {
    const path = mount['mountPath'];
    if (!isEmpty(path) && paths.has(path)) at.item(index).child('mountPath').invalid(path, 'must be unique');
    paths.add(path);
    if (!isEmpty(mount['subPath']) && !isEmpty(mount['subPathExpr']))
      at.item(index)
        .child('subPathExpr')
        .invalid(mount['subPathExpr'], 'subPathExpr and subPath are mutually exclusive');
  });
}

function checkContainer(container: Json, at: At): void {
  for (const probe of ['livenessProbe', 'startupProbe']) {
    const threshold = objectAt(container, probe)['successThreshold'];
    if (threshold !== undefined && threshold !== 1)
      at.child(probe).child('successThreshold').invalid(threshold, 'must be 1');
  }
  checkMounts(listAt(container, 'volumeMounts'), at.child('volumeMounts'));
}

const CONTAINER: StructRules = {
  fields: {
    name: ['required', form(dnsLabel)],
    image: ['required'],
    ports: [uniqueBy('name')],
  },
  check: checkContainer,
};

const LISTS = ['containers', 'initContainers', 'ephemeralContainers'] as const;

/** What mounts may name: the pod's volumes, and the claims that a StatefulSet makes for its pods. */
function volumeNames(spec: Json, { root }: Scope): ReadonlySet<unknown> {
  const claims = listAt(objectAt(root, 'spec'), 'volumeClaimTemplates').map((claim) => objectAt(claim, 'metadata'));
  return new Set([...listAt(spec, 'volumes'), ...claims].map(({ name }) => name));
}

/** Container names are one namespace over all three lists; mounts name volumes of the pod. */
function checkContainers(spec: Json, at: At, scope: Scope): void {
  const names = new Set<unknown>();
  const volumes = volumeNames(spec, scope);
  for (const list of LISTS)
    listAt(spec, list).forEach((container, index) => {
      const here = at.child(list).item(index);
      if (names.has(container['name'])) here.child('name').duplicate(container['name']);
      if (!isEmpty(container['name'])) names.add(container['name']);
      checkMountNames(container, here, volumes);
      if (list !== 'ephemeralContainers') checkHostPorts(spec, container, here);
    });
  checkInitContainers(spec, at.child('initContainers'));
}

function checkMountNames(container: Json, at: At, volumes: ReadonlySet<unknown>): void {
  listAt(container, 'volumeMounts').forEach((mount, index) => {
    if (!volumes.has(mount['name'])) at.child('volumeMounts').item(index).child('name').notFound(mount['name']);
  });
}

function checkHostPorts(spec: Json, container: Json, at: At): void {
  if (spec['hostNetwork'] !== true) return;
  listAt(container, 'ports').forEach((each, index) => {
    if (each['hostPort'] !== undefined && each['hostPort'] !== each['containerPort'])
      at.child('ports')
        .item(index)
        .child('hostPort')
        .invalid(each['hostPort'], 'must match `containerPort` when `hostNetwork` is true');
  });
}

/** Probes and hooks belong to init containers only if they stay, as sidecars do. */
function checkInitContainers(spec: Json, at: At): void {
  listAt(spec, 'initContainers').forEach((container, index) => {
    if (container['restartPolicy'] === 'Always') return;
    for (const field of ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'])
      if (container[field] !== undefined)
        at.item(index).child(field).forbidden('may not be set for init containers without restartPolicy=Always');
  });
}

function checkDns(spec: Json, at: At): void {
  if (spec['dnsPolicy'] !== 'None') return;
  const config = spec['dnsConfig'] as Json | undefined;
  if (!config) at.child('dnsConfig').required('must provide `dnsConfig` when `dnsPolicy` is None');
  else if (isEmpty(config['nameservers']))
    at.child('dnsConfig')
      .child('nameservers')
      .required('must provide at least one DNS nameserver when `dnsPolicy` is None');
}

function checkToleration(toleration: Json, at: At): void {
  const {
    key = '',
    operator = 'Equal',
    value = '',
    effect = '',
    tolerationSeconds,
  } = toleration as Record<string, string>;
  if (key === '' && operator !== 'Exists')
    at.child('operator').invalid(
      toleration['operator'] ?? '',
      'operator must be Exists when `key` is empty, which means "match all values and all keys"',
    );
  if (tolerationSeconds !== undefined && effect !== 'NoExecute')
    at.child('effect').invalid(effect, "effect must be 'NoExecute' when `tolerationSeconds` is set");
  if (operator === 'Exists' && value !== '')
    at.child('operator').invalid(value, "value must be empty when `operator` is 'Exists'");
  const faults = operator === 'Equal' ? labelValue(value) : [];
  if (faults.length > 0) at.child('operator').invalid(value, faults.join(';'));
}

const ITEM_PATH = (value: unknown, at: At): void => {
  const path = String(value);
  if (path.startsWith('/')) at.invalid(value, 'must be a relative path');
  if (path.split('/').includes('..')) at.invalid(value, "must not contain '..'");
};
const WITH_MODE: StructRules = { fields: { defaultMode: [MODE] } };
const KEY_REF: StructRules = { fields: { key: ['required'] } };
const SECURITY = { runAsUser: [UID], runAsGroup: [UID] };

/** Pods and everything inside a pod's spec. */
export const POD_RULES: RulesTable = {
  'core/v1.PodTemplateSpec': {
    check: (template, at) => {
      const given = objectAt(template, 'metadata')['labels'];
      const rule = labels;
      if (given !== undefined && typeof rule === 'function') rule(given, at.child('labels'), template);
    },
  },
  'core/v1.PodSpec': {
    fields: {
      volumes: [uniqueBy('name')],
      containers: ['required'],
      restartPolicy: ['required'],
      terminationGracePeriodSeconds: [nonNegative],
      activeDeadlineSeconds: [between(1, INT32_MAX)],
      nodeSelector: [labels],
      serviceAccountName: [form(dnsSubdomain)],
      nodeName: [form(dnsSubdomain)],
      hostname: [form(dnsLabel)],
      subdomain: [form(dnsLabel)],
      readinessGates: [],
    },
    check: (spec, at, scope) => {
      checkContainers(spec, at, scope);
      checkDns(spec, at);
    },
  },
  'core/v1.Container': CONTAINER,
  'core/v1.EphemeralContainer': CONTAINER,
  'core/v1.ContainerPort': {
    fields: { name: [form(portName)], containerPort: ['required', port], hostPort: [port], hostIP: [ip] },
  },
  'core/v1.EnvVar': { fields: { name: ['required', form(envName)] }, check: checkEnv },
  'core/v1.EnvFromSource': {
    fields: { prefix: [form(envName)] },
    check: (source, at) => {
      const given = ['configMapRef', 'secretRef'].filter((field) => source[field] !== undefined);
      if (given.length === 0) at.invalid('', 'must specify one of: `configMapRef` or `secretRef`');
      else if (given.length > 1) at.invalid('', 'may not have more than one field specified at a time');
    },
  },
  'core/v1.ObjectFieldSelector': { fields: { fieldPath: ['required'] } },
  'core/v1.ResourceFieldSelector': { fields: { resource: ['required'] } },
  'core/v1.ConfigMapKeySelector': KEY_REF,
  'core/v1.SecretKeySelector': KEY_REF,
  'core/v1.ResourceRequirements': { fields: { limits: [quantities], requests: [quantities] }, check: checkResources },
  'core/v1.VolumeMount': { fields: { name: ['required'], mountPath: ['required'] } },
  'core/v1.Probe': {
    fields: {
      initialDelaySeconds: [nonNegative],
      timeoutSeconds: [nonNegative],
      periodSeconds: [nonNegative],
      successThreshold: [nonNegative],
      failureThreshold: [nonNegative],
      terminationGracePeriodSeconds: [positive],
    },
    check: (probe, at) => atMostOne(probe, at, HANDLERS, ONE_HANDLER),
  },
  'core/v1.LifecycleHandler': { check: (handler, at) => atMostOne(handler, at, HANDLERS, ONE_HANDLER) },
  'core/v1.ExecAction': { fields: { command: ['required'] } },
  'core/v1.HTTPGetAction': { fields: { path: ['required'], port: ['required', portOrName] } },
  'core/v1.HTTPHeader': { fields: { name: [form(headerName)] } },
  'core/v1.TCPSocketAction': { fields: { port: ['required', portOrName] } },
  'core/v1.GRPCAction': { fields: { port: [port] } },
  'core/v1.Volume': { fields: { name: ['required', form(dnsLabel)] }, check: checkVolume },
  'core/v1.HostPathVolumeSource': { fields: { path: ['required'] } },
  'core/v1.SecretVolumeSource': { fields: { secretName: ['required'], defaultMode: [MODE] } },
  'core/v1.ConfigMapVolumeSource': { fields: { name: ['required'], defaultMode: [MODE] } },
  'core/v1.PersistentVolumeClaimVolumeSource': { fields: { claimName: ['required'] } },
  'core/v1.ProjectedVolumeSource': WITH_MODE,
  'core/v1.DownwardAPIVolumeSource': WITH_MODE,
  'core/v1.KeyToPath': { fields: { key: ['required'], path: ['required', ITEM_PATH], mode: [MODE] } },
  'core/v1.ServiceAccountTokenProjection': {
    fields: { path: ['required', ITEM_PATH], expirationSeconds: [tokenLife] },
  },
  'core/v1.PodSecurityContext': { fields: { ...SECURITY, fsGroup: [UID] } },
  'core/v1.SecurityContext': { fields: SECURITY },
  'core/v1.Toleration': { fields: { key: [form(qualifiedName)] }, check: checkToleration },
  'core/v1.HostAlias': { fields: { ip: ['required', ip], hostnames: [each(dnsSubdomain)] } },
  'core/v1.PodReadinessGate': { fields: { conditionType: ['required', form(qualifiedName)] } },
  'core/v1.TopologySpreadConstraint': {
    fields: { maxSkew: [positive], topologyKey: ['required'], whenUnsatisfiable: ['required'], minDomains: [positive] },
  },
  'core/v1.PodAffinityTerm': { fields: { topologyKey: ['required'] } },
  'core/v1.WeightedPodAffinityTerm': { fields: { weight: [between(1, 100)] } },
  'core/v1.PreferredSchedulingTerm': { fields: { weight: [between(1, 100)] } },
  'core/v1.NodeSelector': {
    fields: { nodeSelectorTerms: [{ required: 'must have at least one node selector term' }] },
  },
  'core/v1.NodeSelectorRequirement': {
    check: (requirement, at) => {
      const { operator } = requirement;
      const values = listAt(requirement, 'values').length;
      if ((operator === 'In' || operator === 'NotIn') && values === 0)
        at.child('values').required("must be specified when `operator` is 'In' or 'NotIn'");
      if ((operator === 'Exists' || operator === 'DoesNotExist') && values > 0)
        at.child('values').forbidden("may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
      if ((operator === 'Gt' || operator === 'Lt') && values !== 1)
        at.child('values').required("must be specified single value when `operator` is 'Lt' or 'Gt'");
    },
  },
};

const TOKEN_LIFE_MIN_S = 600;

function tokenLife(value: unknown, at: At): void {
  if ((value as number) < TOKEN_LIFE_MIN_S) at.invalid(value, 'may not specify a duration less than 10 minutes');
}
