/** Admission of pods and Services: what the API server asks when one is created. */
import type { Gvr, ObjectMeta, PodSpec, Service } from '#api/kube';
import type { AdmissionAnswer, AdmissionRequest } from '#kube/webhook';
import { ANNOTATIONS, type AnnotationRow, type BadAnnotation, badServiceAnnotations } from '#model/annotations';
import type { Log } from '#runtime/log';
import type { ControlMetrics } from '../process/index.ts';
import { adviceFor } from './advice.ts';
import { SKIP_REASONS } from './decide.ts';
import type { InjectorEvents } from './events.ts';
import { injectPod, patchService } from './inject.ts';
import { type LookUpDeps, lookUp } from './look-up.ts';
import type { Annotations, Namespaces } from './namespaces.ts';
import type { InjectorValues } from './values.ts';

export interface InjectorDeps extends LookUpDeps {
  namespaces: Pick<Namespaces, 'annotations'>;
  /** Read anew at each request, so that an upgrade takes effect without a restart. Throws a sentence. */
  values(): Promise<InjectorValues>;
  controlPlaneNamespace: string;
  createdBy: string;
  events: InjectorEvents;
  metrics: ControlMetrics;
  log: Log;
}

/** Who makes a pod, up to the workload that users name. */
interface Owner {
  kind: string;
  apiVersion: string;
  name: string;
  uid: string;
}

const REPLICA_SETS: Gvr = { group: 'apps', version: 'v1', resource: 'replicasets' };

/** The handler of the webhook. */
export function createInjector(deps: InjectorDeps): (request: AdmissionRequest) => Promise<AdmissionAnswer> {
  return async (request) => {
    const { kind } = request.kind;
    const decides = request.operation === 'CREATE' && (kind === 'Pod' || kind === 'Service');
    if (!request.object) return { allowed: true };
    if (!decides) return { allowed: true, warnings: adviceFor({ ...request.object, kind }) ?? [] };
    const values = await deps.values();
    const namespace = request.namespace ?? request.object.metadata.namespace ?? 'default';
    const annotations = await deps.namespaces.annotations(namespace);
    if (kind === 'Service') return admitService(deps, request, { name: namespace, annotations }, values);
    return admitPod(deps, request, { name: namespace, annotations }, values);
  };
}

interface NamespaceView {
  name: string;
  annotations: Annotations;
}

function admitService(
  deps: InjectorDeps,
  { object }: AdmissionRequest,
  namespace: NamespaceView,
  values: InjectorValues,
): AdmissionAnswer {
  const service = object as unknown as Service;
  const patch = patchService(service, namespace.annotations, values.proxy.opaquePorts);
  const bad = badServiceAnnotations(service.metadata.annotations ?? {});
  const about = { namespace: namespace.name, service: service.metadata.name ?? '' };
  return { allowed: true, patch, warnings: warningsOf(deps, bad, about) };
}

/** What the user reads below what he created; it stands in the log, too. */
function warningsOf({ log }: InjectorDeps, bad: readonly BadAnnotation[], about: Record<string, string>): string[] {
  for (const { message } of bad) log.warn('an annotation has no effect', { ...about, message });
  return bad.map(({ message }) => message);
}

async function admitPod(
  deps: InjectorDeps,
  request: AdmissionRequest,
  namespace: NamespaceView,
  values: InjectorValues,
): Promise<AdmissionAnswer> {
  const pod = request.object as unknown as { metadata: ObjectMeta; spec: PodSpec };
  const owner = await ownerOf(deps, pod.metadata, namespace.name);
  const { controlPlaneNamespace, createdBy, metrics, events, log } = deps;
  const result = injectPod({
    values,
    pod,
    namespace,
    controlPlaneNamespace,
    createdBy,
    ...(owner && { owner: { kind: owner.kind.toLowerCase(), name: owner.name } }),
  });
  const name = pod.metadata.name || `${pod.metadata.generateName ?? ''}…`;
  const labels = {
    ...configLabels(pod.metadata, namespace.annotations),
    owner_kind: owner?.kind.toLowerCase() ?? 'pod',
    namespace: namespace.name,
    annotation_at: result.inject ? result.annotationAt : '',
  };
  metrics.counter('proxy_inject_admission_requests_total', labels).inc();
  const about = owner && { ...owner, namespace: namespace.name };
  const warnings = warningsOf(deps, result.bad, { namespace: namespace.name, pod: name });
  if (result.inject) {
    metrics.counter('proxy_inject_admission_responses_total', { ...labels, skip: 'false', skip_reason: '' }).inc();
    log.info('injecting a proxy', { namespace: namespace.name, pod: name });
    events.injected(about);
    return { allowed: true, patch: result.patch, warnings };
  }
  const { reasons } = result;
  metrics
    .counter('proxy_inject_admission_responses_total', { ...labels, skip: 'true', skip_reason: reasons.join(',') })
    .inc();
  log.debug('not injecting', { namespace: namespace.name, pod: name, reasons: reasons.join() });
  events.skipped(about, reasons.map((reason) => SKIP_REASONS[reason]).join(', '));
  return { allowed: true, patch: result.patch, warnings };
}

/** One label for each annotation of the catalogue that is set: `proxy_image="…"`. */
function configLabels(metadata: ObjectMeta, namespace: Readonly<Record<string, string>>): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const { key } of Object.values<AnnotationRow>(ANNOTATIONS)) {
    const value = metadata.annotations?.[key] ?? namespace[key];
    const short = key.split('/')[1] ?? key;
    if (value !== undefined && key.startsWith('config.')) labels[short.replaceAll('-', '_')] = value;
  }
  return labels;
}

/** The only owner; a ReplicaSet stands for its Deployment. What cannot be read counts as it is named. */
async function ownerOf(deps: InjectorDeps, metadata: ObjectMeta, namespace: string): Promise<Owner | undefined> {
  const [owner, another] = metadata.ownerReferences ?? [];
  if (!owner || another) return undefined;
  const direct = nameOf(owner);
  if (owner.kind !== 'ReplicaSet') return direct;
  try {
    const replicaSet = await lookUp(deps, REPLICA_SETS, owner.name, namespace);
    const [above, more] = replicaSet.metadata.ownerReferences ?? [];
    return above && !more ? nameOf(above) : direct;
  } catch (error) {
    deps.log.debug('cannot read the owner of a pod', { namespace, name: owner.name, error: (error as Error).message });
    return direct;
  }
}

/** What events need to stand below an object: its uid, too. */
const nameOf = ({ kind, apiVersion, name, uid }: Owner): Owner => ({ kind, apiVersion, name, uid });
