import type { ObjectMeta } from '#api/kube';
import { FIELD_MANAGER } from '#kube/client';

/**
 * Labels and annotations of what we made are not all ours: webhooks, other controllers and people add their own, and who takes them away
 * fights for ever. Ours are those that the API server says we set, and all keys that speak about mirroring.
 */
export interface Keys {
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

type Part = keyof Keys;

/** The part of an object's labels and annotations that is ours. Where nobody says whose they are, all count. */
export function ownKeys(metadata: ObjectMeta): Keys {
  return { labels: pick(metadata, 'labels', true), annotations: pick(metadata, 'annotations', true) };
}

/** The part that is not; undefined where all is ours. */
export function foreignKeys(metadata: ObjectMeta): Keys | undefined {
  const keys = { labels: pick(metadata, 'labels', false), annotations: pick(metadata, 'annotations', false) };
  return Object.keys({ ...keys.labels, ...keys.annotations }).length > 0 ? keys : undefined;
}

/** What an object's labels and annotations become: ours, and those of others as they are. */
export const withForeignKeys = (foreign: Keys | undefined, ours: Keys): Keys => ({
  labels: { ...foreign?.labels, ...ours.labels },
  annotations: { ...foreign?.annotations, ...ours.annotations },
});

function pick(metadata: ObjectMeta, part: Part, isOurs: boolean): Record<string, string> {
  const all = metadata[part] ?? {};
  const set = setByUs(metadata, part);
  if (!set) return isOurs ? all : {};
  const picked: Record<string, string> = {};
  for (const key in all) {
    const isSet = set.some((fields) => fields[`f:${key}`] !== undefined);
    if ((isSet || OURS.test(key)) === isOurs) picked[key] = all[key] as string;
  }
  return picked;
}

/** Fields by key after `f:`; undefined where the server tracks nothing of ours. */
function setByUs({ managedFields = [] }: ObjectMeta, part: Part): Record<string, object>[] | undefined {
  const entries = managedFields.filter(
    ({ manager, operation, subresource }) =>
      manager === FIELD_MANAGER && operation === 'Update' && subresource === undefined,
  );
  if (entries.length === 0) return undefined;
  return entries.map(({ fieldsV1 }) => {
    const fields = fieldsV1?.['f:metadata'] as Record<string, Record<string, object>> | undefined;
    return fields?.[`f:${part}`] ?? {};
  });
}

/** Whoever writes them: they would make members up, or hide what is a mirror. */
const OURS = /^(mirror\.linkerd\.io|multicluster\.linkerd\.io|multicluster\.weft\.dev)\//;
