/** Injection as a function: from a pod, its namespace and the installation's values to a JSON patch. */
import { createHash } from 'node:crypto';
import type { Container, ObjectMeta, PodSpec, Service, VolumeMount } from '#api/kube';
import type { JsonPatchOperation } from '#kube/webhook';
import { ANNOTATIONS, type AnnotationRow, type BadAnnotation, readAnnotations } from '#model/annotations';
import { ANNOTATION_KEYS, LABELS } from '#model/names';
import {
  debugContainer,
  type FromPod,
  initContainer,
  proxyContainer,
  proxyVolumes,
  validatorContainer,
} from './containers.ts';
import { type AnnotationAt, decide, type SkipReason } from './decide.ts';
import { opaquePortsOfPod, opaquePortsOfService } from './opaque-ports.ts';
import { applyAnnotations, mergeEnv, type Settings } from './overrides.ts';
import type { InjectorValues } from './values.ts';

export interface InjectRequest {
  values: InjectorValues;
  /** A pod, or the template of one. */
  pod: { metadata?: ObjectMeta; spec: PodSpec };
  namespace: { name: string; annotations: Readonly<Record<string, string>> };
  controlPlaneNamespace: string;
  /** Who makes the pod, e.g. {kind: 'deployment', name: 'web'}. */
  owner?: { kind: string; name: string };
  /** Value of the annotation linkerd.io/created-by. */
  createdBy: string;
  /** JSON pointer to the pod in the patched object, e.g. `/spec/template`. */
  prefix?: string;
}

export type InjectResult =
  | { inject: true; annotationAt: AnnotationAt; patch: JsonPatchOperation[]; bad: BadAnnotation[] }
  /** The patch may still set the opaque-ports annotation. */
  | { inject: false; reasons: SkipReason[]; patch: JsonPatchOperation[]; bad: BadAnnotation[] };

/** Owners that have a label of their own on injected pods. */
const OWNER_LABELS = new Set([
  'deployment',
  'replicaset',
  'replicationcontroller',
  'statefulset',
  'daemonset',
  'job',
  'cronjob',
]);
const TOKEN_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';

/** Decides about a pod and, if it gets a proxy, says how. Throws a sentence when the settings contradict each other. */
export function injectPod(request: InjectRequest): InjectResult {
  const { values, pod, namespace } = request;
  const own = pod.metadata?.annotations ?? {};
  const decision = decide({ annotations: own, spec: pod.spec }, namespace.annotations, {
    tokenProjection: values.identity.serviceAccountTokenProjection,
  });
  if (!decision.inject)
    return { ...decision, patch: patchOpaquePorts(request), bad: badInject(own, namespace.annotations) };
  const annotations = inherit(own, namespace.annotations);
  if (annotations[ANNOTATION_KEYS.opaquePorts] === undefined) {
    const ports = opaquePortsOfPod(pod.spec, values.proxy.opaquePorts);
    if (ports !== '') annotations[ANNOTATION_KEYS.opaquePorts] = ports;
  }
  const read = readAnnotations(annotations);
  const containers = [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
  const base = inheritEnv(values, own, namespace.annotations);
  const settings = applyAnnotations(base, {
    annotations,
    labels: pod.metadata?.labels ?? {},
    values: read.values,
    ports: containers,
  });
  return { ...decision, patch: patchPod(request, settings, annotations), bad: [...read.bad, ...settings.bad] };
}

/** What asks for a proxy, or against one, in a word that is neither. */
function badInject(...sources: readonly Readonly<Record<string, string>>[]): BadAnnotation[] {
  const { key, parse, expects } = ANNOTATIONS.inject;
  return sources.flatMap((annotations) => {
    const value = annotations[key];
    if (value === undefined || parse(value) !== undefined) return [];
    return [{ key, value, message: `${key}: expected ${expects}, got "${value}"; the pod gets no proxy` }];
  });
}

/** The workload's annotations, over those of its namespace that pods take over. */
function inherit(
  own: Readonly<Record<string, string>>,
  namespace: Readonly<Record<string, string>>,
): Record<string, string> {
  const annotations = { ...own };
  for (const { key, inherited } of Object.values<AnnotationRow>(ANNOTATIONS))
    if (inherited && annotations[key] === undefined && namespace[key] !== undefined) annotations[key] = namespace[key];
  return annotations;
}

/** Additional variables add up: those of the values, then of the namespace; the pod's come with its annotations. */
function inheritEnv(
  values: InjectorValues,
  own: Readonly<Record<string, string>>,
  namespace: Readonly<Record<string, string>>,
): InjectorValues {
  const row = ANNOTATIONS.proxyAdditionalEnv;
  const text = namespace[row.key];
  const env = text === undefined || own[row.key] === undefined ? undefined : row.parse(text);
  if (!env) return values;
  return { ...values, proxy: { ...values.proxy, additionalEnv: mergeEnv(values.proxy.additionalEnv ?? [], env) } };
}

function patchPod(
  request: InjectRequest,
  settings: Settings,
  annotations: Readonly<Record<string, string>>,
): JsonPatchOperation[] {
  const { pod, prefix = '' } = request;
  const { values } = settings;
  const from = takeOver(pod.spec);
  const place = { controlPlaneNamespace: request.controlPlaneNamespace, podInboundPorts: inboundPorts(pod.spec) };
  const add = (path: string, value: unknown): JsonPatchOperation => ({ op: 'add', path: `${prefix}${path}`, value });
  const first = values.cniEnabled ? validatorContainer(values) : initContainer(values, from);
  const proxy = proxyContainer(values, place, from);
  const patch = [
    ...patchMap(`${prefix}/metadata/annotations`, pod.metadata?.annotations, {
      ...added(annotations, pod.metadata?.annotations ?? {}),
      [ANNOTATION_KEYS.createdBy]: request.createdBy,
      [ANNOTATION_KEYS.proxyVersion]: values.proxy.image.version || values.linkerdVersion,
      [ANNOTATION_KEYS.trustRootSha256]: createHash('sha256').update(values.identityTrustAnchorsPEM).digest('hex'),
    }),
    ...patchMap(`${prefix}/metadata/labels`, pod.metadata?.labels, labelsOf(request)),
    ...(pod.spec.volumes?.length ? [] : [add('/spec/volumes', [])]),
    ...(pod.spec.initContainers?.length ? [] : [add('/spec/initContainers', [])]),
  ];
  if (values.proxy.nativeSidecar)
    patch.push(add('/spec/initContainers/0', first), add('/spec/initContainers/1', proxy));
  else patch.push(add('/spec/initContainers/-', first));
  if (settings.debug) patch.push(add('/spec/containers/-', debugContainer(values)));
  for (const volume of proxyVolumes(values)) patch.push(add('/spec/volumes/-', volume));
  if (!values.proxy.nativeSidecar) patch.push(add(`/spec/containers/${values.proxy.await ? '0' : '-'}`, proxy));
  return patch;
}

function labelsOf({ controlPlaneNamespace, namespace, owner }: InjectRequest): Record<string, string> {
  return {
    [LABELS.controlPlaneNamespace]: controlPlaneNamespace,
    [LABELS.workloadNamespace]: namespace.name,
    ...(owner && OWNER_LABELS.has(owner.kind) && { [`linkerd.io/proxy-${owner.kind}`]: owner.name }),
  };
}

const added = (now: Readonly<Record<string, string>>, before: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(now).filter(([key]) => before[key] === undefined));

/** Sets entries of a map that may be absent. */
function patchMap(
  path: string,
  current: Readonly<Record<string, string>> | undefined,
  entries: Record<string, string>,
): JsonPatchOperation[] {
  if (!current) return Object.keys(entries).length > 0 ? [{ op: 'add', path, value: entries }] : [];
  const pointer = (key: string) => key.replaceAll('~', '~0').replaceAll('/', '~1');
  return Object.entries(entries).map(([key, value]) => ({ op: 'add', path: `${path}/${pointer(key)}`, value }));
}

function takeOver(spec: PodSpec): FromPod {
  const [first] = spec.containers;
  const capabilities = first?.securityContext?.capabilities;
  const mount = first?.volumeMounts?.find(({ mountPath }: VolumeMount) => mountPath === TOKEN_PATH);
  return { ...(capabilities && { capabilities }), ...(mount && { serviceAccountMount: mount }) };
}

/** The ports that the application listens on, as far as it says: container ports and ports of HTTP probes. */
export function inboundPorts(spec: PodSpec): string {
  const declared = spec.containers.flatMap((container: Container) => [
    ...(container.ports ?? []).map((port) => port.containerPort),
    ...[container.readinessProbe, container.livenessProbe].flatMap((probe) =>
      typeof probe?.httpGet?.port === 'number' ? [probe.httpGet.port] : [],
    ),
  ]);
  return [...new Set(declared.map(String))].sort().join(',');
}

/** A pod that gets no proxy still tells its clients which of its ports are opaque. */
function patchOpaquePorts({ values, pod, namespace, prefix = '' }: InjectRequest): JsonPatchOperation[] {
  const key = ANNOTATION_KEYS.opaquePorts;
  if (pod.metadata?.annotations?.[key] !== undefined) return [];
  const ports = namespace.annotations[key] ?? opaquePortsOfPod(pod.spec, values.proxy.opaquePorts);
  return ports === '' ? [] : patchMap(`${prefix}/metadata/annotations`, pod.metadata?.annotations, { [key]: ports });
}

/** The opaque-ports annotation of a Service that has none: its namespace's, else from the default list. */
export function patchService(
  service: Service,
  namespaceAnnotations: Readonly<Record<string, string>>,
  defaults: string,
): JsonPatchOperation[] {
  const key = ANNOTATION_KEYS.opaquePorts;
  if (service.metadata.annotations?.[key] !== undefined) return [];
  const ports = namespaceAnnotations[key] ?? opaquePortsOfService(service, defaults);
  return ports === '' ? [] : patchMap('/metadata/annotations', service.metadata.annotations, { [key]: ports });
}
