import type { AnyObject } from '#api/kube';
import type { Resource } from '../resource.ts';
import type { Format } from './negotiation.ts';

/** How much of each object a Table's rows carry. */
export type IncludeObject = 'None' | 'Metadata' | 'Object';

/** `includeObject` of a request; Metadata when absent or unknown. */
export function includeObjectOf(query: URLSearchParams): IncludeObject {
  const asked = query.get('includeObject');
  return asked === 'None' || asked === 'Object' ? asked : 'Metadata';
}

export interface ListMetadata {
  readonly resourceVersion?: string;
  readonly continue?: string;
  readonly remainingItemCount?: number;
}

/** `PartialObjectMetadata` of one object. */
export function partialOf(object: AnyObject, metaVersion: Format['metaVersion']): Record<string, unknown> {
  return { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${metaVersion}`, metadata: object.metadata };
}

/** A Table with one row per object. */
export function tableOf(
  resource: Resource,
  objects: readonly AnyObject[],
  metadata: ListMetadata,
  options: { readonly include: IncludeObject; readonly metaVersion: Format['metaVersion']; readonly nowMs: number },
): Record<string, unknown> {
  const { include, metaVersion, nowMs } = options;
  return {
    kind: 'Table',
    apiVersion: `meta.k8s.io/${metaVersion}`,
    metadata,
    columnDefinitions: resource.shape.columns.map(({ name, type, format = '', description = '', priority = 0 }) => ({
      name,
      type,
      format,
      description,
      priority,
    })),
    rows: objects.map((object) => ({ cells: resource.shape.row(object, nowMs), object: rowObject(object) })),
  };

  function rowObject(object: AnyObject): unknown {
    if (include === 'None') return null;
    return include === 'Object' ? object : partialOf(object, metaVersion);
  }
}
