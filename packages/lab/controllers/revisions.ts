import { CONTROLLER_REVISIONS } from '#api/kube';
import { type ControllerRevision, controllerRef, isControlledBy, type PodTemplateSpec } from '../kinds/index.ts';
import type { Write } from '../reconcile/index.ts';
import { canonicalJson, nameHash } from './hash.ts';
import type { PodOwner } from './pod-template.ts';

/** Label of pods that says which revision they were made from, and of revisions their hash. */
export const REVISION_LABEL = 'controller-revision-hash';

/** The revisions of a StatefulSet or DaemonSet after a look at its template. */
export interface Revisions {
  /** The one that fits the template now; not yet stored when a write creates it. */
  update: ControllerRevision;
  /** All that exist, oldest first. */
  history: readonly ControllerRevision[];
  /** What to write: a new revision, or an old one that becomes the newest again. */
  writes: Write[];
}

/** Finds or makes the revision of a template. Revisions are immutable but for their number. */
export function revisionsOf(
  by: PodOwner,
  template: PodTemplateSpec,
  labels: Record<string, string>,
  existing: readonly ControllerRevision[],
): Revisions {
  const history = existing.filter((each) => isControlledBy(each, by.owner)).sort((a, b) => a.revision - b.revision);
  const data = { spec: { template: { ...template, $patch: 'replace' } } };
  const wanted = canonicalJson(data);
  const equal = history.filter((each) => canonicalJson(each.data ?? {}) === wanted).at(-1);
  const newest = history.at(-1)?.revision ?? 0;
  if (!equal) return create(by, data, labels, history, newest + 1);
  if (equal.revision === newest) return { update: equal, history, writes: [] };
  const { name = '', namespace = '' } = equal.metadata;
  const merge = { revision: newest + 1 };
  return { update: equal, history, writes: [{ verb: 'patch', gvr: CONTROLLER_REVISIONS, name, namespace, merge }] };
}

function create(
  by: PodOwner,
  data: object,
  labels: Record<string, string>,
  history: readonly ControllerRevision[],
  revision: number,
): Revisions {
  const { name = '', namespace = '' } = by.owner.metadata;
  const taken = new Set(history.map((each) => each.metadata.name));
  let hash = nameHash(canonicalJson(data));
  for (let collision = 1; taken.has(`${name}-${hash}`); collision++)
    hash = nameHash(`${canonicalJson(data)}${collision}`);
  const update: ControllerRevision = {
    apiVersion: 'apps/v1',
    kind: 'ControllerRevision',
    metadata: {
      name: `${name}-${hash}`,
      namespace,
      labels: { ...labels, [REVISION_LABEL]: hash },
      ownerReferences: [controllerRef(by.owner, by.apiVersion, by.kind)],
    },
    data,
    revision,
  };
  return {
    update,
    history,
    writes: [{ verb: 'create', gvr: CONTROLLER_REVISIONS, object: update, tolerate: ['AlreadyExists'] }],
  };
}

/** A revision's hash, as its pods carry it in DaemonSets. */
export const hashOf = (revision: ControllerRevision): string => revision.metadata.labels?.[REVISION_LABEL] ?? '';

/** Revisions beyond the limit that nothing uses go, oldest first. */
export function dropRevisions(
  history: readonly ControllerRevision[],
  isUsed: (revision: ControllerRevision) => boolean,
  limit: number,
): Write[] {
  const unused = history.filter((each) => !isUsed(each));
  return unused
    .slice(0, Math.max(0, unused.length - limit))
    .map((object) => ({ verb: 'delete', gvr: CONTROLLER_REVISIONS, object }));
}
