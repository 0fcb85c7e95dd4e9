import type { AnyObject } from '#api/kube';
import type { AdmissionReviewInput } from '#lab/apiserver';
import { ApiError } from '#lab/contract';
import type { Store } from '#lab/store';

/** Namespaces that cannot be deleted. */
const IMMORTAL = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];

const NAMESPACES = { group: '', resource: 'namespaces' } as const;

/** Creates need a namespace that exists and stays; the cluster's own namespaces are not deleted. @throws ApiError */
export function checkNamespaceLifecycle(store: Store, input: AdmissionReviewInput): void {
  const { operation, resource, name } = input;
  if (operation === 'DELETE' && resource.storage === '/namespaces' && IMMORTAL.includes(name))
    throw refused('namespaces', '', name, 'this namespace may not be deleted');
  if (operation !== 'CREATE' || !resource.namespaced) return;
  // Access reviews are not objects: they may be about namespaces that do not exist.
  if (resource.gvr.group === 'authorization.k8s.io') return;
  const namespace = input.namespace ?? '';
  const found = store.get('/namespaces', { name: namespace });
  if (!found)
    throw ApiError.of('NotFound', `namespaces "${namespace}" not found`, {
      name: namespace,
      kind: NAMESPACES.resource,
    });
  if (isTerminating(found.object)) throw terminating(input, namespace);
}

const isTerminating = (namespace: AnyObject): boolean =>
  namespace.metadata.deletionTimestamp !== undefined ||
  (namespace['status'] as { phase?: string } | undefined)?.phase === 'Terminating';

function terminating({ resource, name }: AdmissionReviewInput, namespace: string): ApiError {
  const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
  const error = refused(resource.gvr.resource, resource.gvr.group, name, why);
  return new ApiError({
    ...error.status,
    details: {
      ...error.status.details,
      causes: [
        {
          reason: 'NamespaceTerminating',
          message: `namespace ${namespace} is being terminated`,
          field: 'metadata.namespace',
        },
      ],
    },
  });
}

function refused(resource: string, group: string, name: string, why: string): ApiError {
  const qualified = group ? `${resource}.${group}` : resource;
  const subject = name ? `${qualified} "${name}"` : qualified;
  return ApiError.of('Forbidden', `${subject} is forbidden: ${why}`, {
    ...(name && { name }),
    ...(group && { group }),
    kind: resource,
  });
}
