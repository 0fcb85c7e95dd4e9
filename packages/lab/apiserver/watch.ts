import type { AnyObject } from '#api/kube';
import type { StoredObject, StoreEvent } from '#lab/store';
import { asServed, type Core } from './core.ts';
import type { Resource } from './resource.ts';
import type { Selection } from './selection.ts';

/** One change as a watch with a selector sees it; `object` is in the served version. */
export interface Observed {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: AnyObject;
  readonly old: AnyObject | undefined;
  /** Carries the JSON text that all watches share; absent where the served form differs from the stored one. */
  readonly stored: StoredObject | undefined;
}

/**
 * Follows the selected objects after `revision`. An object that leaves the selection is seen as deleted (with its new
 * revision), one that enters as added. Returns a stop function.
 * @throws CompactedError, FutureRevisionError
 */
export function follow(
  core: Core,
  resource: Resource,
  selection: Selection,
  revision: number,
  see: (observed: Observed) => void,
): () => void {
  return core.store.watch(resource.storage, revision, (event) => {
    const observed = observe(resource, selection, event);
    if (observed) see(observed);
  });
}

function observe(resource: Resource, selection: Selection, event: StoreEvent): Observed | undefined {
  const { current, previous } = event;
  if (selection.namespace !== undefined && current.object.metadata.namespace !== selection.namespace) return undefined;
  const object = asServed(resource, current.object);
  const old = previous && asServed(resource, previous.object);
  const matched = old !== undefined && selection.matches(old);
  const matches = event.type !== 'DELETED' && selection.matches(object);
  if (!matched && !matches) return undefined;
  const type = matches ? (matched ? 'MODIFIED' : 'ADDED') : 'DELETED';
  return { type, object, old, stored: object === current.object ? current : undefined };
}
