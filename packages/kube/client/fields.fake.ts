import type { KubeObject, ManagedFieldsEntry, ObjectMeta } from '#api/kube';
import { FIELD_MANAGER } from './session.ts';

/** As a server tracks it before admission: which labels and annotations this client set, in `managedFields`. */
export function trackFields(old: KubeObject | undefined, next: KubeObject): void {
  const before = ownEntry(old?.metadata)?.fieldsV1 as Tracked | undefined;
  const fields: Tracked = { 'f:metadata': {} };
  for (const part of ['labels', 'annotations'] as const) {
    const owned = before?.['f:metadata'][`f:${part}`] ?? {};
    const mine = Object.entries(next.metadata[part] ?? {}).filter(
      ([key, value]) => owned[`f:${key}`] !== undefined || old?.metadata[part]?.[key] !== value,
    );
    fields['f:metadata'][`f:${part}`] = Object.fromEntries(mine.map(([key]) => [`f:${key}`, {}]));
  }
  const entry = { manager: FIELD_MANAGER, operation: 'Update', fieldsType: 'FieldsV1', fieldsV1: fields } as const;
  next.metadata = { ...next.metadata, managedFields: [entry as unknown as ManagedFieldsEntry] };
}

interface Tracked {
  'f:metadata': { 'f:labels'?: Record<string, object>; 'f:annotations'?: Record<string, object> };
}

const ownEntry = (metadata: ObjectMeta | undefined): ManagedFieldsEntry | undefined =>
  metadata?.managedFields?.find(({ manager }) => manager === FIELD_MANAGER);
