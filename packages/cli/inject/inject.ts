import type { AnyObject, PodSpec as KubePodSpec, ObjectMeta } from '#api/kube';
import { SKIP_REASONS, type SkipReason } from '#control/injector';
import { injectManually, type ManualOptions } from './manual.ts';

export interface InjectOptions {
  mode: 'enabled' | 'ingress';
  /** `config.linkerd.io/*` of the command line. */
  annotations: Record<string, string>;
  /** Whether proxies get their token by projection; unless, pods must mount that of their service account. */
  tokenProjection?: boolean;
  /** Write the proxy into the manifest instead of asking the injector for it. */
  manual?: ManualOptions;
}

/** What happened to one object. `kind` is empty where the document has none. */
export interface InjectReport {
  kind: string;
  name: string;
  /** Absent: skipped. */
  done?: 'injected' | 'annotated' | 'uninjected';
  /** Somebody asked for it to stay out. */
  disabled?: boolean;
  udp?: boolean;
}

export interface InjectResult {
  objects: AnyObject[];
  reports: InjectReport[];
  /** Why a workload cannot be meshed; if there is any, nothing should be printed. */
  errors: string[];
}

type Record_ = Record<string, unknown>;
interface PodSpec {
  hostNetwork?: boolean;
  automountServiceAccountToken?: boolean;
  containers?: Container[];
  initContainers?: Container[];
  volumes?: { name?: string }[];
}
interface Container {
  name?: string;
  image?: string;
  ports?: { protocol?: string }[];
}
interface Workload {
  /** Metadata of the pods. */
  metadata: ObjectMeta;
  spec: PodSpec;
}

const INJECT = 'linkerd.io/inject';
const OPAQUE_PORTS = 'config.linkerd.io/opaque-ports';
const COMPONENT = 'linkerd.io/control-plane-component';
const TEMPLATE_KINDS = new Set([
  'Deployment',
  'DaemonSet',
  'StatefulSet',
  'ReplicaSet',
  'ReplicationController',
  'Job',
]);

/** Marks every workload, namespace and, where ports are opaque, service. The input is not changed. */
export function injectAll(objects: readonly AnyObject[], options: InjectOptions): InjectResult {
  const result: InjectResult = { objects: [], reports: [], errors: [] };
  const unmarked = uninjectAll(objects).objects;
  for (const object of unmarked) each(object, (one) => injectOne(one, options, result));
  result.objects = unmarked;
  return result;
}

/** Takes proxies, their volumes and the annotations and labels under `linkerd.io` out. The input is not changed. */
export function uninjectAll(objects: readonly AnyObject[]): InjectResult {
  const result: InjectResult = { objects: structuredClone([...objects]), reports: [], errors: [] };
  for (const object of result.objects)
    each(object, (one) => {
      const kind = kindOf(one);
      const workload = workloadOf(one);
      const done = workload ? uninjectWorkload(one, workload) : uninjectMetadata(one.metadata);
      result.reports.push({ kind, name: one.metadata?.name ?? '', ...(done && { done: 'uninjected' }) });
    });
  return result;
}

function each(object: AnyObject, visit: (object: AnyObject) => void): void {
  if (object.kind === 'List' && Array.isArray(object['items'])) for (const item of object['items']) each(item, visit);
  else visit(object);
}

function injectOne(object: AnyObject, options: InjectOptions, result: InjectResult): void {
  const kind = kindOf(object);
  const name = object.metadata?.name ?? '';
  const report: InjectReport = { kind, name };
  result.reports.push(report);
  const workload = workloadOf(object);
  if (workload) injectWorkload(object, workload, options, report, result.errors);
  else if (kind === 'namespace') {
    annotate(object.metadata, { [INJECT]: options.mode, ...options.annotations });
    report.done = 'annotated';
  } else if (kind === 'service' && options.annotations[OPAQUE_PORTS] !== undefined) {
    annotate(object.metadata, { [OPAQUE_PORTS]: options.annotations[OPAQUE_PORTS] });
    report.done = 'annotated';
  }
}

function injectWorkload(
  object: AnyObject,
  workload: Workload,
  options: InjectOptions,
  report: InjectReport,
  errors: string[],
): void {
  const { metadata, spec } = workload;
  const refuse = (...reasons: string[]) =>
    errors.push(`failed to inject ${report.kind}/${report.name}: ${reasons.join(', ')}`);
  if (metadata.labels?.[COMPONENT] && !options.manual) {
    errors.push('--manual must be set when injecting control plane components');
    return;
  }
  if (metadata.annotations?.[INJECT] === 'disabled') {
    report.disabled = true;
    return;
  }
  const udp = containersOf(spec).some(({ ports }) => ports?.some(({ protocol }) => protocol === 'UDP'));
  if (udp) report.udp = true;
  const reasons = obstacles(spec, options);
  if (reasons.length > 0) {
    refuse(...reasons, ...(udp ? ['UDP port(s) configured on pod spec'] : []));
    return;
  }
  annotate(metadata, { [INJECT]: options.mode, ...options.annotations });
  const against = options.manual
    ? injectManually(object, workload as Workload & { spec: KubePodSpec }, options.manual)
    : [];
  if (against.length > 0) refuse(...against.map((reason) => SKIP_REASONS[reason as SkipReason]));
  else report.done = 'injected';
}

/** Why pods can have no proxy. */
function obstacles(spec: PodSpec, { tokenProjection = true }: InjectOptions): string[] {
  return [
    ...(spec.hostNetwork ? ['hostNetwork is enabled'] : []),
    ...(hasSidecar(spec) ? ['pod has a sidecar injected already'] : []),
    ...(!tokenProjection && spec.automountServiceAccountToken === false
      ? [
          'automountServiceAccountToken set to "false", with Values.identity.serviceAccountTokenProjection set to "false"',
        ]
      : []),
  ];
}

const PROXY_IMAGES = ['cr.l5d.io/linkerd/proxy:', 'gcr.io/istio-release/proxyv2:'];
const PROXY_NAMES = new Set(['linkerd-proxy', 'istio-proxy', 'linkerd-init', 'istio-init']);

const containersOf = (spec: PodSpec): Container[] => [...(spec.containers ?? []), ...(spec.initContainers ?? [])];
const hasSidecar = (spec: PodSpec): boolean =>
  containersOf(spec).some(
    ({ name, image }) => PROXY_NAMES.has(name ?? '') || PROXY_IMAGES.some((prefix) => image?.startsWith(prefix)),
  );

/** The pods that an object makes, with metadata in place to be changed; undefined when it makes none. */
function workloadOf(object: AnyObject): Workload | undefined {
  const spec = object['spec'] as Record_ | undefined;
  if (object.kind === 'Pod' && spec) {
    object.metadata ??= {};
    return { metadata: object.metadata, spec: spec as PodSpec };
  }
  if (object.kind === 'CronJob') return templateOf((spec?.['jobTemplate'] as Record_ | undefined)?.['spec'] as Record_);
  return TEMPLATE_KINDS.has(object.kind ?? '') ? templateOf(spec) : undefined;
}

function templateOf(spec: Record_ | undefined): Workload | undefined {
  const template = spec?.['template'] as { metadata?: ObjectMeta; spec?: PodSpec } | undefined;
  if (!template?.spec) return undefined;
  template.metadata ??= {};
  return { metadata: template.metadata, spec: template.spec };
}

function annotate(metadata: ObjectMeta, annotations: Record<string, string>): void {
  metadata.annotations = { ...metadata.annotations, ...annotations };
}

const OUR_CONTAINERS = new Set(['linkerd-init', 'linkerd-proxy', 'linkerd-network-validator', 'linkerd-debug']);
const OUR_VOLUMES = new Set([
  'linkerd-identity-end-entity',
  'linkerd-identity-token',
  'linkerd-podinfo',
  'linkerd-proxy-init-xtables-lock',
]);

function uninjectWorkload(object: AnyObject, { metadata, spec }: Workload): boolean {
  // The control plane's pods carry their proxies by design.
  if (metadata.labels?.[COMPONENT]) return false;
  let changed = object.metadata !== metadata && uninjectMetadata(object.metadata);
  changed = uninjectMetadata(metadata) || changed;
  for (const field of ['containers', 'initContainers'] as const)
    changed = without(spec, field, ({ name }) => OUR_CONTAINERS.has(name ?? '')) || changed;
  return without(spec, 'volumes', ({ name }) => OUR_VOLUMES.has(name ?? '')) || changed;
}

function without<K extends 'containers' | 'initContainers' | 'volumes'>(
  spec: PodSpec,
  field: K,
  drop: (item: { name?: string }) => boolean,
): boolean {
  const before: readonly { name?: string }[] | undefined = spec[field];
  if (!before?.some(drop)) return false;
  const kept = before.filter((item) => !drop(item));
  if (kept.length > 0 || field === 'containers') (spec as Record_)[field] = kept;
  else delete spec[field];
  return true;
}

/** `linkerd.io/inject: disabled` is the user's wish and stays, as do `config.linkerd.io/*`. */
function uninjectMetadata(metadata: ObjectMeta | undefined): boolean {
  let changed = false;
  for (const field of ['annotations', 'labels'] as const) {
    const map = metadata?.[field];
    if (!metadata || !map) continue;
    for (const [key, value] of Object.entries(map)) {
      if (!key.startsWith('linkerd.io/') || (key === INJECT && value === 'disabled')) continue;
      delete map[key];
      changed = true;
    }
    if (changed && Object.keys(map).length === 0) delete metadata[field];
  }
  return changed;
}

const kindOf = (object: AnyObject): string => (object.kind ?? '').toLowerCase();
