import type { AnyObject, ObjectMeta } from '#api/kube';
import { merged } from '#model/template';
import { object } from '../objects.ts';
import type { MulticlusterValues } from './values.ts';

export const EXTENSION = { 'linkerd.io/extension': 'multicluster' };
export const CLUSTER_NAME = 'mirror.linkerd.io/cluster-name';

/** Metadata that every object of the extension carries. */
export function meta(
  values: Pick<MulticlusterValues, 'commonLabels' | 'createdBy'>,
  name: string,
  more: Partial<ObjectMeta> & { component?: string } = {},
): ObjectMeta {
  const { component, labels, annotations, ...rest } = more;
  return {
    name,
    ...rest,
    labels: merged({ ...EXTENSION, ...(component !== undefined && { component }), ...labels }, values.commonLabels),
    annotations: merged({ 'linkerd.io/created-by': values.createdBy }, annotations ?? {}),
  };
}

/** What every container of the extension is held to. */
export const restricted = ({ UID, GID }: { UID: number; GID: number }) => ({
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  readOnlyRootFilesystem: true,
  runAsNonRoot: true,
  runAsUser: UID,
  runAsGroup: GID,
  seccompProfile: { type: 'RuntimeDefault' },
});

/** One pod at a time may be taken away. */
export const disruptionBudget = (metadata: ObjectMeta, matchLabels: Record<string, string>): AnyObject =>
  object('policy/v1', 'PodDisruptionBudget', metadata, { spec: { maxUnavailable: 1, selector: { matchLabels } } });

/** Pods with these labels on different nodes, and rather in different zones. */
export const antiAffinity = (matchLabels: Record<string, string>) => ({
  podAntiAffinity: {
    preferredDuringSchedulingIgnoredDuringExecution: [
      { weight: 100, podAffinityTerm: { labelSelector: { matchLabels }, topologyKey: 'topology.kubernetes.io/zone' } },
    ],
    requiredDuringSchedulingIgnoredDuringExecution: [
      { labelSelector: { matchLabels }, topologyKey: 'kubernetes.io/hostname' },
    ],
  },
});
