import { type KubeObject, PODS } from '#api/kube';
import { controllerRef, type Pod, type PodTemplateSpec } from '../kinds/index.ts';
import { referenceTo, type Write } from '../reconcile/index.ts';

/** A workload in whose name pods are made. */
export interface PodOwner {
  owner: KubeObject;
  apiVersion: string;
  kind: string;
}

/** A pod from a template: its labels, annotations and finalizers, a generated name, the owner as controller. */
export function podFromTemplate({ owner, apiVersion, kind }: PodOwner, template: PodTemplateSpec): Pod {
  const { labels, annotations, finalizers } = template.metadata ?? {};
  const { name = '', namespace = '' } = owner.metadata;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      generateName: `${name}-`,
      namespace,
      ...(labels && { labels: { ...labels } }),
      ...(annotations && { annotations: { ...annotations } }),
      ...(finalizers && { finalizers: [...finalizers] }),
      ownerReferences: [controllerRef(owner, apiVersion, kind)],
    },
    spec: template.spec,
  };
}

/** Creates a pod; the owner's events tell of it, or carry the refusal (a webhook's denial, say) to `kubectl describe`. */
export function createPod(by: PodOwner, pod: Pod, failed: (message: string) => readonly Write[] = () => []): Write {
  const event = (type: 'Normal' | 'Warning', reason: string, message: string): Write => ({
    verb: 'event',
    note: { about: referenceTo(by.owner, by.kind, by.apiVersion), type, reason, message },
  });
  return {
    verb: 'create',
    gvr: PODS,
    object: pod,
    succeeded: (created) => [event('Normal', 'SuccessfulCreate', `Created pod: ${created.metadata.name}`)],
    failed: (error) => [event('Warning', 'FailedCreate', `Error creating: ${error.message}`), ...failed(error.message)],
  };
}

/** Deletes a pod and tells of it in the owner's events. */
export function deletePod(by: PodOwner, pod: Pod): Write {
  const about = referenceTo(by.owner, by.kind, by.apiVersion);
  const message = `Deleted pod: ${pod.metadata.name}`;
  return {
    verb: 'delete',
    gvr: PODS,
    object: pod,
    succeeded: () => [{ verb: 'event', note: { about, type: 'Normal', reason: 'SuccessfulDelete', message } }],
  };
}
