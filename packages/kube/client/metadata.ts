import type { KubeObject } from '#api/kube';

/** A server that ignores `as=PartialObjectMetadata` sends all; memory must not pay for it. */
export function stripToMetadata(object: KubeObject): void {
  for (const field of Object.keys(object))
    if (field !== 'metadata' && field !== 'apiVersion' && field !== 'kind')
      delete (object as unknown as Record<string, unknown>)[field];
  delete object.metadata.managedFields;
}
