import type { AnyObject } from '#api/kube';
import { ApiError } from '#lab/contract';
import type { Store } from '#lab/store';

interface PriorityClass {
  value?: number;
  globalDefault?: boolean;
  preemptionPolicy?: string;
}

/** Sets a new pod's priority from its class, or from the global default. @throws ApiError 403 for an unknown class */
export function admitPriority(store: Store, pod: AnyObject): AnyObject {
  const spec = { ...(pod['spec'] as Record<string, unknown> | undefined) };
  const name = spec['priorityClassName'] as string | undefined;
  const found = name ? byName(store, name) : globalDefault(store);
  if (name && !found)
    throw ApiError.of(
      'Forbidden',
      `pods "${pod.metadata.name ?? ''}" is forbidden: no PriorityClass with name ${name} was found`,
      { kind: 'pods' },
    );
  if (found?.name) spec['priorityClassName'] = found.name;
  spec['priority'] = found?.value ?? 0;
  spec['preemptionPolicy'] ??= found?.preemptionPolicy ?? 'PreemptLowerPriority';
  return { ...pod, spec };
}

type Found = { name: string; value: number; preemptionPolicy: string };

const found = (name: string, { value = 0, preemptionPolicy = 'PreemptLowerPriority' }: PriorityClass): Found => ({
  name,
  value,
  preemptionPolicy,
});

function byName(store: Store, name: string): Found | undefined {
  const object = store.get('scheduling.k8s.io/priorityclasses', { name })?.object;
  return object && found(name, object as PriorityClass);
}

function globalDefault(store: Store): Found | undefined {
  const object = store
    .list('scheduling.k8s.io/priorityclasses')
    .map((stored) => stored.object)
    .find((each) => (each as PriorityClass).globalDefault === true);
  return object && found(object.metadata.name ?? '', object as PriorityClass);
}
