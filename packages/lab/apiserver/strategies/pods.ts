import type { AnyObject } from '#api/kube';
import { cause, type FieldCause } from '../errors.ts';
import { cloned, sameJson } from '../object-meta.ts';
import type { Strategy } from '../resource.ts';

interface PodSpec {
  nodeName?: string;
  terminationGracePeriodSeconds?: number;
  activeDeadlineSeconds?: number;
  containers?: Container[];
  initContainers?: Container[];
  ephemeralContainers?: unknown[];
  tolerations?: unknown[];
  schedulingGates?: unknown[];
  serviceAccountName?: string;
  serviceAccount?: string;
}
interface Container {
  image?: string;
  resources?: { requests?: Record<string, string>; limits?: Record<string, string> };
}

const DEFAULT_GRACE_S = 30;

const specOf = (pod: AnyObject): PodSpec => (pod['spec'] ?? {}) as PodSpec;
const phaseOf = (pod: AnyObject): string => (pod['status'] as { phase?: string } | undefined)?.phase ?? 'Pending';

/** Pods: quality of service, graceful deletion by the kubelet, a spec that hardly changes after creation. */
export const podStrategy: Strategy = {
  returnsDeleted: true,
  initialStatus: (pod) => ({ phase: 'Pending', qosClass: qosClass(specOf(pod)) }),
  gracePeriodSeconds: (pod, asked) => {
    const { nodeName, terminationGracePeriodSeconds } = specOf(pod);
    // Nobody runs it, or nothing runs in it any more: no one to wait for.
    if (!nodeName || phaseOf(pod) === 'Succeeded' || phaseOf(pod) === 'Failed') return 0;
    const wanted = Math.max(0, asked ?? terminationGracePeriodSeconds ?? DEFAULT_GRACE_S);
    const { deletionTimestamp, deletionGracePeriodSeconds = 0 } = pod.metadata;
    return deletionTimestamp ? Math.min(wanted, deletionGracePeriodSeconds) : wanted;
  },
  prepareUpdate: (pod, old) => {
    pod['status'] = old['status'];
  },
  prepareStatus: (pod, old) => {
    pod['spec'] = old['spec'];
    if (old.metadata.ownerReferences) pod.metadata.ownerReferences = [...old.metadata.ownerReferences];
    else delete pod.metadata.ownerReferences;
    const status = (pod['status'] ?? {}) as Record<string, unknown>;
    pod['status'] = { ...status, qosClass: status['qosClass'] ?? qosClass(specOf(old)) };
  },
  validate: (pod, old) => (old ? validatePodChange(specOf(pod), specOf(old)) : []),
};

const RESOURCES = ['cpu', 'memory'] as const;

/** Guaranteed: every container limits cpu and memory and requests exactly that. BestEffort: none asks for either. */
export function qosClass(spec: PodSpec): 'Guaranteed' | 'Burstable' | 'BestEffort' {
  const containers = [...(spec.containers ?? []), ...(spec.initContainers ?? [])];
  const asks = (container: Container): boolean =>
    RESOURCES.some((name) => container.resources?.requests?.[name] || container.resources?.limits?.[name]);
  if (!containers.some(asks)) return 'BestEffort';
  const fixed = containers.every(({ resources = {} }) =>
    RESOURCES.every((name) => {
      const limit = resources.limits?.[name];
      return limit !== undefined && (resources.requests?.[name] ?? limit) === limit;
    }),
  );
  return fixed ? 'Guaranteed' : 'Burstable';
}

const IMMUTABLE =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,' +
  '`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),' +
  '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

function validatePodChange(spec: PodSpec, old: PodSpec): FieldCause[] {
  const changeable = (value: PodSpec): PodSpec => {
    const rest = cloned(value);
    delete rest.activeDeadlineSeconds;
    delete rest.tolerations;
    delete rest.terminationGracePeriodSeconds;
    delete rest.ephemeralContainers;
    delete rest.schedulingGates;
    if (!old.nodeName) delete rest.nodeName;
    for (const container of [...(rest.containers ?? []), ...(rest.initContainers ?? [])]) {
      delete container.image;
      delete container.resources;
    }
    return rest;
  };
  return sameJson(changeable(spec), changeable(old)) ? [] : [cause.forbidden('spec', IMMUTABLE)];
}
