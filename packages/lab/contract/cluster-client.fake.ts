/**
 * The fake twin of the API server's in-process client: one cluster's objects in memory, with uids, one revision counter,
 * optimistic concurrency, generations, finalizers, graceful pod deletion, propagation policies, the status split and watches
 * that deliver late (in a microtask) but in order. It has no schema, no defaulting, no admission and no users.
 */
import { isDeepStrictEqual } from 'node:util';
import type { AnyObject, Gvr, KubeObject } from '#api/kube';
import { matchesFields, matchesLabels, parseFieldSelector, parseLabelSelector } from '../selectors/index.ts';
import { ApiError } from './api-error.ts';
import type { ClusterClient, ListOptions, PatchType, ServedResource, WatchSink } from './index.ts';

const NAME_LETTERS = 'bcdfghjklmnpqrstvwxz2456789';
/** The time of every object when no clock is given. */
const CREATED_AT = '2026-01-01T00:00:00Z';

const ALL_VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'] as const;

/** `group/version/resource/Kind`, `*` in front marks cluster scope. */
const BUILT_IN = [
  '/v1/pods/Pod',
  '/v1/services/Service',
  '/v1/endpoints/Endpoints',
  '/v1/configmaps/ConfigMap',
  '/v1/secrets/Secret',
  '/v1/serviceaccounts/ServiceAccount',
  '/v1/events/Event',
  '/v1/replicationcontrollers/ReplicationController',
  '/v1/persistentvolumeclaims/PersistentVolumeClaim',
  '*/v1/persistentvolumes/PersistentVolume',
  '*/v1/namespaces/Namespace',
  '*/v1/nodes/Node',
  'apps/v1/deployments/Deployment',
  'apps/v1/replicasets/ReplicaSet',
  'apps/v1/statefulsets/StatefulSet',
  'apps/v1/daemonsets/DaemonSet',
  'apps/v1/controllerrevisions/ControllerRevision',
  'batch/v1/jobs/Job',
  'batch/v1/cronjobs/CronJob',
  'discovery.k8s.io/v1/endpointslices/EndpointSlice',
  'policy/v1/poddisruptionbudgets/PodDisruptionBudget',
  'coordination.k8s.io/v1/leases/Lease',
  '*rbac.authorization.k8s.io/v1/clusterroles/ClusterRole',
] as const;

interface Stored {
  gvr: Gvr;
  object: AnyObject;
}

interface Watcher {
  gvr: Gvr;
  matches(object: AnyObject): boolean;
  pending: (() => void)[];
  stopped: boolean;
}

/** How the fake is set up. Times count from {@link CREATED_AT} unless a clock is given. */
export interface FakeClusterOptions {
  nowMs?: () => number;
  /** Throw here to refuse a write, as an admission webhook would. Sees the verb, resource and object to be stored. */
  admit?: (verb: 'create' | 'update' | 'delete', gvr: Gvr, object: AnyObject) => void;
}

const keyOf = (gvr: Gvr): string => `${gvr.group}/${gvr.version}/${gvr.resource}`;

/** An in-memory {@link ClusterClient} for tests. All writes act at once; watchers hear of them in a later microtask. */
export class FakeCluster implements ClusterClient {
  private readonly options: FakeClusterOptions;
  private readonly objects = new Map<string, Map<string, Stored>>();
  private readonly served: ServedResource[] = BUILT_IN.map(parseResource);
  private readonly watchers = new Set<Watcher>();
  private readonly resourceListeners = new Set<() => void>();
  private revision = 0;
  private named = 0;
  /** Every write in order, e.g. `create pods default/a`: lets tests see needless ones. */
  readonly writes: string[] = [];

  constructor(options: FakeClusterOptions = {}) {
    this.options = options;
  }

  /** Serves one more resource, as after a CRD was established. */
  serve(resource: ServedResource): void {
    this.served.push(resource);
    for (const listener of this.resourceListeners) listener();
  }

  resources(): readonly ServedResource[] {
    return [...this.served];
  }

  onResourcesChanged(listener: () => void): () => void {
    this.resourceListeners.add(listener);
    return () => void this.resourceListeners.delete(listener);
  }

  as(): ClusterClient {
    return this;
  }

  async get<T extends KubeObject>(gvr: Gvr, name: string, namespace?: string): Promise<T> {
    return this.stored(gvr, name, namespace).object as KubeObject as T;
  }

  async list<T extends KubeObject>(
    gvr: Gvr,
    options: ListOptions = {},
  ): Promise<{ items: T[]; resourceVersion: string }> {
    const matches = matcherOf(options);
    const items = [...this.table(gvr).values()].map((stored) => stored.object).filter(matches);
    items.sort((a, b) => (refOf(a) < refOf(b) ? -1 : 1));
    return { items: items as KubeObject[] as T[], resourceVersion: String(this.revision) };
  }

  watch<T extends KubeObject>(gvr: Gvr, options: ListOptions, sink: WatchSink<T>): () => void {
    const matches = matcherOf(options);
    const watcher: Watcher & { tell: (old?: AnyObject, now?: AnyObject) => void } = {
      gvr,
      matches,
      pending: [],
      stopped: false,
      tell: (old, now) => {
        const was = old && matches(old);
        if (now && matches(now))
          deliver(watcher, () => sink.applied(now as KubeObject as T, was ? (old as KubeObject as T) : undefined));
        else if (was) deliver(watcher, () => sink.deleted((now ?? old) as KubeObject as T));
      },
    };
    this.watchers.add(watcher);
    const initial = [...this.table(gvr).values()].map((stored) => stored.object).filter(matches);
    deliver(watcher, () => sink.reset(initial as KubeObject[] as T[]));
    return () => {
      watcher.stopped = true;
      this.watchers.delete(watcher);
    };
  }

  async create<T extends KubeObject>(gvr: Gvr, given: T): Promise<T> {
    const object = structuredClone(given) as KubeObject as AnyObject;
    const resource = this.resourceOf(gvr);
    const { metadata } = object;
    if (!metadata.name && metadata.generateName) metadata.name = metadata.generateName + this.suffix();
    if (!metadata.name) throw ApiError.of('Invalid', 'name or generateName is required');
    if (resource.namespaced) this.checkNamespace(metadata.namespace ?? '', gvr, metadata.name);
    if (this.table(gvr).has(refOf(object)))
      throw ApiError.of('AlreadyExists', `${gvr.resource} "${metadata.name}" already exists`, {
        name: metadata.name,
        kind: gvr.resource,
      });
    this.options.admit?.('create', gvr, object);
    object.apiVersion = gvr.group ? `${gvr.group}/${gvr.version}` : gvr.version;
    object.kind = resource.kind;
    metadata.uid = `uid-${this.revision + 1}`;
    metadata.creationTimestamp ??= this.now();
    metadata.generation = 1;
    if (resource.kind === 'Namespace') {
      object['spec'] = { finalizers: ['kubernetes'] };
      object['status'] ??= { phase: 'Active' };
    }
    return this.store(gvr, undefined, object, 'create') as KubeObject as T;
  }

  async update<T extends KubeObject>(gvr: Gvr, given: T, subresource?: 'status' | 'finalize'): Promise<T> {
    const { name = '', namespace, resourceVersion } = given.metadata;
    const old = this.stored(gvr, name, namespace).object;
    if (resourceVersion && resourceVersion !== old.metadata.resourceVersion) throw conflict(gvr, name);
    return this.replace(gvr, old, structuredClone(given) as KubeObject as AnyObject, subresource) as KubeObject as T;
  }

  async patch<T extends KubeObject>(
    gvr: Gvr,
    ref: { name: string; namespace?: string },
    patch: { type: PatchType; body: unknown; subresource?: string },
  ): Promise<T> {
    if (patch.type !== 'merge')
      throw ApiError.of('UnsupportedMediaType', `the fake knows merge patches only, got ${patch.type}`);
    const old = this.stored(gvr, ref.name, ref.namespace).object;
    const body = patch.body as Partial<KubeObject>;
    const wanted = body.metadata?.resourceVersion;
    if (wanted && wanted !== old.metadata.resourceVersion) throw conflict(gvr, ref.name);
    if (body.metadata?.uid && body.metadata.uid !== old.metadata.uid) throw conflict(gvr, ref.name);
    const next = mergePatch(structuredClone(old), patch.body) as AnyObject;
    return this.replace(gvr, old, next, patch.subresource) as KubeObject as T;
  }

  async delete(
    gvr: Gvr,
    ref: { name: string; namespace?: string },
    options: Parameters<ClusterClient['delete']>[2] = {},
  ): Promise<void> {
    const old = this.stored(gvr, ref.name, ref.namespace).object;
    const { uid, resourceVersion } = options.preconditions ?? {};
    if ((uid && uid !== old.metadata.uid) || (resourceVersion && resourceVersion !== old.metadata.resourceVersion))
      throw conflict(gvr, ref.name);
    this.options.admit?.('delete', gvr, old);
    const next = structuredClone(old);
    const policyFinalizer = { Foreground: 'foregroundDeletion', Orphan: 'orphan', Background: undefined }[
      options.propagationPolicy ?? 'Background'
    ];
    if (policyFinalizer && !next.metadata.finalizers?.includes(policyFinalizer))
      next.metadata.finalizers = [...(next.metadata.finalizers ?? []), policyFinalizer];
    const graceSeconds = options.gracePeriodSeconds ?? graceOf(gvr, old);
    if (graceSeconds === 0 && isFree(next)) return this.remove(gvr, old);
    if (
      next.metadata.deletionTimestamp &&
      graceSeconds >= (next.metadata.deletionGracePeriodSeconds ?? 0) &&
      !policyFinalizer
    )
      return;
    next.metadata.deletionTimestamp ??= this.now();
    next.metadata.deletionGracePeriodSeconds = graceSeconds;
    if (gvr.resource === 'namespaces') next['status'] = { ...(next['status'] as object), phase: 'Terminating' };
    next.metadata.generation = (next.metadata.generation ?? 0) + 1;
    this.store(gvr, old, next, 'delete');
  }

  async bind(pod: { name: string; namespace: string; uid?: string }, nodeName: string): Promise<void> {
    const gvr = { group: '', version: 'v1', resource: 'pods' };
    const old = this.stored(gvr, pod.name, pod.namespace).object;
    const spec = old['spec'] as { nodeName?: string } | undefined;
    if (spec?.nodeName || old.metadata.deletionTimestamp || (pod.uid && pod.uid !== old.metadata.uid))
      throw conflict(gvr, pod.name);
    const status = (old['status'] ?? {}) as { conditions?: { type: string }[] };
    const conditions = (status.conditions ?? []).filter((condition) => condition.type !== 'PodScheduled');
    const scheduled = { type: 'PodScheduled', status: 'True', lastTransitionTime: this.now() };
    this.store(
      gvr,
      old,
      {
        ...structuredClone(old),
        spec: { ...spec, nodeName },
        status: { ...status, conditions: [...conditions, scheduled] },
      },
      'bind',
    );
  }

  private replace(gvr: Gvr, old: AnyObject, given: AnyObject, subresource?: string): AnyObject {
    const next = subresource === 'status' ? { ...structuredClone(old), status: given['status'] } : given;
    if (!subresource && 'status' in old) next['status'] = structuredClone(old['status']);
    if (subresource === 'finalize') next['status'] = structuredClone(old['status']);
    const { uid, creationTimestamp, generation, deletionTimestamp, deletionGracePeriodSeconds } = old.metadata;
    Object.assign(next.metadata, {
      uid,
      creationTimestamp,
      generation,
      ...(deletionTimestamp && { deletionTimestamp, deletionGracePeriodSeconds }),
    });
    next.metadata.resourceVersion = old.metadata.resourceVersion!;
    if (isDeepStrictEqual(next, old)) return old;
    if (!isDeepStrictEqual(next['spec'], old['spec'])) next.metadata.generation = (generation ?? 0) + 1;
    this.options.admit?.('update', gvr, next);
    if (deletionTimestamp && isFree(next) && !next.metadata.deletionGracePeriodSeconds) {
      this.remove(gvr, next);
      return next;
    }
    return this.store(gvr, old, next, subresource ? `update/${subresource}` : 'update');
  }

  private store(gvr: Gvr, old: AnyObject | undefined, next: AnyObject, verb: string): AnyObject {
    next.metadata.resourceVersion = String(++this.revision);
    const frozen = deepFreeze(next);
    this.table(gvr).set(refOf(frozen), { gvr, object: frozen });
    this.writes.push(`${verb} ${gvr.resource} ${refOf(frozen)}`);
    this.tell(gvr, old, frozen);
    return frozen;
  }

  private remove(gvr: Gvr, old: AnyObject): void {
    this.table(gvr).delete(refOf(old));
    this.writes.push(`remove ${gvr.resource} ${refOf(old)}`);
    const last = structuredClone(old);
    last.metadata.resourceVersion = String(++this.revision);
    this.tell(gvr, last, undefined);
  }

  private tell(gvr: Gvr, old: AnyObject | undefined, now: AnyObject | undefined): void {
    for (const watcher of this.watchers)
      if (keyOf(watcher.gvr) === keyOf(gvr))
        (watcher as Watcher & { tell: (old?: AnyObject, now?: AnyObject) => void }).tell(old, now);
  }

  private stored(gvr: Gvr, name: string, namespace?: string): Stored {
    const found = this.table(gvr).get(`${namespace ?? ''}/${name}`);
    if (!found) throw ApiError.of('NotFound', `${gvr.resource} "${name}" not found`, { name, kind: gvr.resource });
    return found;
  }

  private table(gvr: Gvr): Map<string, Stored> {
    this.resourceOf(gvr);
    const key = keyOf(gvr);
    const table = this.objects.get(key) ?? new Map<string, Stored>();
    this.objects.set(key, table);
    return table;
  }

  private resourceOf(gvr: Gvr): ServedResource {
    const found = this.served.find((resource) => keyOf(resource.gvr) === keyOf(gvr));
    if (!found) throw ApiError.of('NotFound', 'the server could not find the requested resource');
    return found;
  }

  private checkNamespace(namespace: string, gvr: Gvr, name: string): void {
    const found = this.table({ group: '', version: 'v1', resource: 'namespaces' }).get(`/${namespace}`)?.object;
    if (!found)
      throw ApiError.of('NotFound', `namespaces "${namespace}" not found`, { name: namespace, kind: 'namespaces' });
    if (found.metadata.deletionTimestamp)
      throw ApiError.of(
        'Forbidden',
        `${gvr.resource} "${name}" is forbidden: namespace ${namespace} is being terminated`,
        {
          causes: [{ reason: 'NamespaceTerminating', field: 'metadata.namespace' }],
        },
      );
  }

  private now(): string {
    return this.options.nowMs ? `${new Date(this.options.nowMs()).toISOString().slice(0, 19)}Z` : CREATED_AT;
  }

  private suffix(): string {
    let rest = ++this.named * 7919;
    let text = '';
    for (let i = 0; i < 5; i++) {
      text += NAME_LETTERS[rest % NAME_LETTERS.length];
      rest = Math.floor(rest / NAME_LETTERS.length) + 31 * (i + 1);
    }
    return text;
  }
}

function parseResource(text: string): ServedResource {
  const [group = '', version = '', resource = '', kind = ''] = text.replace('*', '').split('/');
  return { gvr: { group, version, resource }, kind, namespaced: !text.startsWith('*'), verbs: ALL_VERBS };
}

function deliver(watcher: Watcher, call: () => void): void {
  watcher.pending.push(call);
  if (watcher.pending.length > 1) return;
  queueMicrotask(() => {
    const calls = watcher.pending.splice(0);
    for (const next of calls) if (!watcher.stopped) next();
  });
}

const refOf = (object: KubeObject): string => `${object.metadata.namespace ?? ''}/${object.metadata.name}`;

const conflict = (gvr: Gvr, name: string): ApiError =>
  ApiError.of(
    'Conflict',
    `Operation cannot be fulfilled on ${gvr.resource} "${name}": the object has been modified; please apply your changes to the latest version and try again`,
  );

function graceOf(gvr: Gvr, object: AnyObject): number {
  if (gvr.resource !== 'pods' || gvr.group !== '') return 0;
  const spec = (object['spec'] ?? {}) as { nodeName?: string; terminationGracePeriodSeconds?: number };
  return spec.nodeName ? (spec.terminationGracePeriodSeconds ?? 30) : 0;
}

function isFree(object: AnyObject): boolean {
  const spec = object['spec'] as { finalizers?: string[] } | undefined;
  const ofNamespace = object.kind === 'Namespace' ? (spec?.finalizers ?? []) : [];
  return (object.metadata.finalizers ?? []).length === 0 && ofNamespace.length === 0;
}

function matcherOf(options: ListOptions): (object: AnyObject) => boolean {
  const labels = parseLabelSelector(options.labelSelector ?? '');
  const fields = parseFieldSelector(options.fieldSelector ?? '');
  return (object) =>
    (options.namespace === undefined || object.metadata.namespace === options.namespace) &&
    matchesLabels(labels, object.metadata.labels) &&
    matchesFields(fields, (path) => fieldText(object, path));
}

function fieldText(object: AnyObject, path: string): string {
  const value = path
    .split('.')
    .reduce<unknown>((at, step) => (at as Record<string, unknown> | undefined)?.[step], object);
  return value === undefined ? '' : String(value);
}

function mergePatch(target: unknown, patch: unknown): unknown {
  if (patch === null || typeof patch !== 'object' || Array.isArray(patch)) return structuredClone(patch);
  const base = target !== null && typeof target === 'object' && !Array.isArray(target) ? target : {};
  const merged = base as Record<string, unknown>;
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else merged[key] = mergePatch(merged[key], value);
  }
  return merged;
}

function deepFreeze<T>(value: T): T {
  if (value !== null && typeof value === 'object' && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}
