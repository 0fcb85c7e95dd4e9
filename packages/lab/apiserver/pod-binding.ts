import type { AnyObject, Condition } from '#api/kube';
import type { Core } from './core.ts';
import { conflict, unknownResource } from './errors.ts';
import { modify } from './modify.ts';
import { timestamp } from './object-meta.ts';
import type { WriteRequest } from './resource.ts';

const PODS = { group: '', version: 'v1', resource: 'pods' } as const;

/** The binding subresource: assigns a pending pod to a node and notes PodScheduled. */
export async function bindPod(
  core: Core,
  pod: { name: string; namespace: string; uid?: string },
  target: { nodeName: string; annotations?: Readonly<Record<string, string>> },
  request: WriteRequest,
): Promise<AnyObject> {
  const resource = core.registry.find(PODS);
  if (!resource) throw unknownResource();
  const bound = (current: AnyObject): AnyObject => {
    assertBindable(pod, current);
    const status = (current['status'] ?? {}) as { conditions?: Condition[] };
    const scheduled = { type: 'PodScheduled', status: 'True' as const, lastTransitionTime: timestamp(core.nowMs()) };
    const others = (status.conditions ?? []).filter(({ type }) => type !== 'PodScheduled');
    return {
      ...current,
      metadata: { ...current.metadata, annotations: { ...current.metadata.annotations, ...target.annotations } },
      spec: { ...(current['spec'] as object), nodeName: target.nodeName },
      status: { ...status, conditions: [...others, scheduled] },
    };
  };
  return modify(core, resource, pod, { subresource: 'binding', compute: bound }, request);
}

function assertBindable(pod: { name: string; uid?: string }, current: AnyObject): void {
  const node = (current['spec'] as { nodeName?: string } | undefined)?.nodeName;
  const refuse = (why: string) => conflict(PODS, pod.name, why);
  if (pod.uid && pod.uid !== current.metadata.uid)
    throw refuse(`Precondition failed: UID in precondition: ${pod.uid}, UID in object meta: ${current.metadata.uid}`);
  if (current.metadata.deletionTimestamp)
    throw refuse(`pod ${pod.name} is being deleted, cannot be assigned to a host`);
  if (node) throw refuse(`pod ${pod.name} is already assigned to node "${node}"`);
}
