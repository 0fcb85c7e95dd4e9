import {
  controllerRef,
  type PersistentVolumeClaim,
  type Pod,
  type PodTemplateSpec,
  type StatefulSet,
} from '../../kinds/index.ts';
import type { PodOwner } from '../pod-template.ts';
import { REVISION_LABEL } from '../revisions.ts';

const POD_NAME_LABEL = 'statefulset.kubernetes.io/pod-name';
const POD_INDEX_LABEL = 'apps.kubernetes.io/pod-index';

export const asOwner = (set: StatefulSet): PodOwner => ({ owner: set, apiVersion: 'apps/v1', kind: 'StatefulSet' });

/** The number at the end of a pod's name, if the name is one of the set's. */
export function ordinalOf(set: StatefulSet, pod: Pod): number | undefined {
  const { name = '' } = pod.metadata;
  const prefix = `${set.metadata.name}-`;
  const text = name.startsWith(prefix) ? name.slice(prefix.length) : '';
  return /^(0|[1-9][0-9]*)$/.test(text) ? Number(text) : undefined;
}

/** Name of the claim of one template for one ordinal: `data-web-0`. */
export const claimName = (set: StatefulSet, template: PersistentVolumeClaim, ordinal: number): string =>
  `${template.metadata.name}-${set.metadata.name}-${ordinal}`;

/** The pod of one ordinal: a stable name, hostname and volumes. */
export function buildPod(set: StatefulSet, template: PodTemplateSpec, revisionName: string, ordinal: number): Pod {
  const name = `${set.metadata.name}-${ordinal}`;
  const { labels, annotations, finalizers } = template.metadata ?? {};
  const claims = set.spec.volumeClaimTemplates ?? [];
  const claimed = new Set(claims.map((claim) => claim.metadata.name));
  const volumes = [
    ...(template.spec.volumes ?? []).filter((volume) => !claimed.has(volume.name)),
    ...claims.map((claim) => ({
      name: claim.metadata.name ?? '',
      persistentVolumeClaim: { claimName: claimName(set, claim, ordinal) },
    })),
  ];
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: set.metadata.namespace ?? '',
      labels: { ...labels, [REVISION_LABEL]: revisionName, [POD_NAME_LABEL]: name, [POD_INDEX_LABEL]: String(ordinal) },
      ...(annotations && { annotations: { ...annotations } }),
      ...(finalizers && { finalizers: [...finalizers] }),
      ownerReferences: [controllerRef(set, 'apps/v1', 'StatefulSet')],
    },
    spec: {
      ...template.spec,
      hostname: name,
      ...(set.spec.serviceName && { subdomain: set.spec.serviceName }),
      ...(volumes.length > 0 && { volumes }),
    },
  };
}

/** The claims of one ordinal. They carry the set's labels and outlive it, unless its retention policy says otherwise. */
export function buildClaims(set: StatefulSet, ordinal: number): PersistentVolumeClaim[] {
  const outlives = set.spec.persistentVolumeClaimRetentionPolicy?.whenDeleted !== 'Delete';
  return (set.spec.volumeClaimTemplates ?? []).map((template) => ({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: {
      name: claimName(set, template, ordinal),
      namespace: set.metadata.namespace ?? '',
      labels: { ...template.metadata.labels, ...set.spec.selector.matchLabels },
      ...(template.metadata.annotations && { annotations: template.metadata.annotations }),
      ...(!outlives && { ownerReferences: [{ ...controllerRef(set, 'apps/v1', 'StatefulSet'), controller: false }] }),
    },
    ...(template.spec && { spec: template.spec }),
  }));
}
