/** Whether a route's backend can be used: decided the same way for the data plane and for the status that tells of it. */
import type { BackendRef } from './record.ts';

/** What is wrong with a reference; reasons are those of the condition `ResolvedRefs`. */
export interface BackendProblem {
  reason: 'BackendNotFound' | 'InvalidKind';
  message: string;
}

/** What a route is attached to, as far as its backends depend on it. */
export interface BackendParent {
  kind: 'service' | 'egressnetwork';
  namespace: string;
  name: string;
}

/** Whether the backend is an EgressNetwork. */
export const isEgressBackend = ({ group, kind }: BackendRef): boolean =>
  group === 'policy.linkerd.io' && kind === 'egressnetwork';

/** Where a backend is looked for: a namespace that is not written is the parent's. */
export const backendNamespace = (ref: BackendRef, parent: BackendParent): string => ref.namespace ?? parent.namespace;

/** Undefined for a backend that can be used. `hasService` is asked with `namespace/name`. */
export function backendProblem(
  ref: BackendRef,
  parent: BackendParent,
  hasService: (key: string) => boolean,
): BackendProblem | undefined {
  const { group, kind, name, port } = ref;
  const namespace = backendNamespace(ref, parent);
  if (isEgressBackend(ref)) {
    const isParent = parent.kind === 'egressnetwork' && parent.namespace === namespace && parent.name === name;
    return isParent
      ? undefined
      : { reason: 'InvalidKind', message: `EgressNetwork ${name} is a backend of its own routes only` };
  }
  if (kind !== 'service' || group !== '')
    return { reason: 'InvalidKind', message: `backends of kind ${kind} are not supported` };
  if (port === undefined)
    return { reason: 'BackendNotFound', message: `Service ${name} must be referred to with a port` };
  if (!hasService(`${namespace}/${name}`)) return { reason: 'BackendNotFound', message: `Service not found ${name}` };
  return undefined;
}
