import {
  controllerRef,
  type Deployment,
  type PodTemplateSpec,
  type ReplicaSet,
  scaledValue,
} from '../../kinds/index.ts';
import { canonicalJson, nameHash } from '../hash.ts';

/** The label that keeps the pods of a Deployment's ReplicaSets apart. */
export const HASH_LABEL = 'pod-template-hash';

/** Annotations by which Deployment and ReplicaSets remember revisions and sizes; kubectl reads the first. */
export const ANNOTATIONS = {
  revision: 'deployment.kubernetes.io/revision',
  revisionHistory: 'deployment.kubernetes.io/revision-history',
  desiredReplicas: 'deployment.kubernetes.io/desired-replicas',
  maxReplicas: 'deployment.kubernetes.io/max-replicas',
} as const;

const NOT_COPIED: ReadonlySet<string> = new Set([
  ...Object.values(ANNOTATIONS),
  'kubectl.kubernetes.io/last-applied-configuration',
  'deprecated.deployment.rollback.to',
]);

/** Longest text of the revision history that a ReplicaSet carries. */
const REVISION_HISTORY_CHARS_MAX = 2000;

/** Wanted pods of a set; the API server's default is 1. */
export const sizeOf = (set: ReplicaSet | Deployment): number => set.spec.replicas ?? 1;

/** Sum of one number over sets. */
export const sum = (sets: readonly ReplicaSet[], of: (set: ReplicaSet) => number | undefined): number =>
  sets.reduce((total, set) => total + (of(set) ?? 0), 0);

/** How far a rollout may go above and below the wanted size. At least one of both is positive. */
export function bounds(deployment: Deployment): { surge: number; unavailable: number } {
  const { type, rollingUpdate } = deployment.spec.strategy ?? {};
  if (type === 'Recreate') return { surge: 0, unavailable: 0 };
  const replicas = sizeOf(deployment);
  const surge = scaledValue(rollingUpdate?.maxSurge ?? '25%', replicas, 'up');
  const unavailable = scaledValue(rollingUpdate?.maxUnavailable ?? '25%', replicas, 'down');
  return { surge, unavailable: Math.min(surge === 0 && unavailable === 0 ? 1 : unavailable, replicas) };
}

const byAge = (a: ReplicaSet, b: ReplicaSet): number =>
  (a.metadata.creationTimestamp ?? '').localeCompare(b.metadata.creationTimestamp ?? '') ||
  (a.metadata.name ?? '').localeCompare(b.metadata.name ?? '');

/** Oldest first. */
export const oldestFirst = (sets: readonly ReplicaSet[]): ReplicaSet[] => [...sets].sort(byAge);

/** The set whose template equals the Deployment's: the oldest, if there are several. */
export function findNewSet(deployment: Deployment, sets: readonly ReplicaSet[]): ReplicaSet | undefined {
  const wanted = templateKey(deployment.spec.template);
  return oldestFirst(sets).find((set) => templateKey(set.spec.template) === wanted);
}

/** Equal for templates that differ in the hash label only. */
export function templateKey(template: PodTemplateSpec): string {
  const { labels = {}, annotations = {}, finalizers } = template.metadata ?? {};
  const { [HASH_LABEL]: _hash, ...ownLabels } = labels;
  return canonicalJson({ labels: ownLabels, annotations, finalizers, spec: template.spec });
}

/** A set's revision number, 0 when it has none. */
export const revisionOf = (set: ReplicaSet): number =>
  Number(set.metadata.annotations?.[ANNOTATIONS.revision] ?? 0) || 0;

/** The revision that the newest set must at least have. */
export const nextRevision = (oldSets: readonly ReplicaSet[]): number =>
  1 + Math.max(0, ...oldSets.map((set) => revisionOf(set)));

/** The set for the current template, as it is to be created. */
export function buildSet(deployment: Deployment, oldSets: readonly ReplicaSet[], replicas: number): ReplicaSet {
  const { template, selector, minReadySeconds } = deployment.spec;
  const hash = nameHash(`${templateKey(template)}${deployment.status?.collisionCount ?? ''}`);
  const { metadata } = deployment;
  const labels = { ...template.metadata?.labels, [HASH_LABEL]: hash };
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: `${metadata.name}-${hash}`,
      ...(metadata.namespace && { namespace: metadata.namespace }),
      labels,
      annotations: setAnnotations(deployment, {}, nextRevision(oldSets)),
      ownerReferences: [controllerRef(deployment, 'apps/v1', 'Deployment')],
    },
    spec: {
      replicas,
      ...(minReadySeconds !== undefined && { minReadySeconds }),
      selector: { ...selector, matchLabels: { ...selector.matchLabels, [HASH_LABEL]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  };
}

/** What the annotations of the newest set must be: the Deployment's own, its revision and the sizes it belongs to. */
export function setAnnotations(
  deployment: Deployment,
  current: Readonly<Record<string, string>>,
  atLeastRevision: number,
): Record<string, string> {
  const annotations: Record<string, string> = { ...current };
  for (const [key, value] of Object.entries(deployment.metadata.annotations ?? {}))
    if (!NOT_COPIED.has(key)) annotations[key] = value;
  const oldRevision = current[ANNOTATIONS.revision];
  if ((Number(oldRevision ?? 0) || 0) < atLeastRevision) {
    annotations[ANNOTATIONS.revision] = String(atLeastRevision);
    if (oldRevision)
      annotations[ANNOTATIONS.revisionHistory] = withPast(current[ANNOTATIONS.revisionHistory], oldRevision);
  }
  return oldRevision === undefined ? { ...annotations, ...sizeAnnotations(deployment) } : annotations;
}

function withPast(history: string | undefined, revision: string): string {
  const past = [...(history ? history.split(',') : []), revision];
  while (past.length > 1 && past.join(',').length > REVISION_HISTORY_CHARS_MAX) past.shift();
  return past.join(',');
}

/** The sizes that the Deployment had when it last sized a set: how a later pass sees that it was scaled. */
export function sizeAnnotations(deployment: Deployment): Record<string, string> {
  const replicas = sizeOf(deployment);
  return {
    [ANNOTATIONS.desiredReplicas]: String(replicas),
    [ANNOTATIONS.maxReplicas]: String(replicas + bounds(deployment).surge),
  };
}

/** A size remembered in an annotation. */
export function annotatedSize(set: ReplicaSet, annotation: string): number | undefined {
  const text = set.metadata.annotations?.[annotation];
  const value = Number(text);
  return text === undefined || !Number.isInteger(value) ? undefined : value;
}
