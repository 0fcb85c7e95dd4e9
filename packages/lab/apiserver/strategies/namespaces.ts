import type { AnyObject } from '#api/kube';
import type { Strategy } from '../resource.ts';

const NAME_LABEL = 'kubernetes.io/metadata.name';
const FINALIZER = 'kubernetes';

/** Namespaces: their name as a label, and a finalizer in the spec that the namespace controller takes away. */
export const namespaceStrategy: Strategy = {
  returnsDeleted: true,
  initialStatus: () => ({ phase: 'Active' }),
  prepareCreate: (namespace) => {
    setNameLabel(namespace);
    const finalizers = ((namespace['spec'] ?? {}) as { finalizers?: string[] }).finalizers ?? [];
    namespace['spec'] = { finalizers: finalizers.includes(FINALIZER) ? finalizers : [...finalizers, FINALIZER] };
  },
  prepareUpdate: (namespace, old) => {
    setNameLabel(namespace);
    if (old['spec'] === undefined) delete namespace['spec'];
    else namespace['spec'] = old['spec'];
  },
  prepareDelete: (namespace) => {
    namespace['status'] = { ...(namespace['status'] as object | undefined), phase: 'Terminating' };
  },
};

function setNameLabel({ metadata }: AnyObject): void {
  metadata.labels = { ...metadata.labels, [NAME_LABEL]: metadata.name ?? '' };
}
