/** A cut-down Deployment schema for tests: every merge rule once. */
import type { FieldSchema } from '../schema/index.ts';

type Fields = Record<string, FieldSchema>;

export const object = (fields: Fields, extra: Partial<FieldSchema> = {}): FieldSchema => ({
  kind: 'object',
  fields: new Map(Object.entries(fields)),
  ...extra,
});
export const text: FieldSchema = { kind: 'scalar', scalarType: 'string' };
export const number: FieldSchema = { kind: 'scalar', scalarType: 'number' };
export const flag: FieldSchema = { kind: 'scalar', scalarType: 'boolean' };
export const anyScalar: FieldSchema = { kind: 'scalar' };
export const mapOf = (items: FieldSchema, extra: Partial<FieldSchema> = {}): FieldSchema => ({
  kind: 'map',
  items,
  ...extra,
});
export const atomicList = (items: FieldSchema): FieldSchema => ({ kind: 'list', items });
export const setOf = (items: FieldSchema): FieldSchema => ({
  kind: 'list',
  items,
  listType: 'set',
  patchStrategy: ['merge'],
});
export const keyed = (
  items: FieldSchema,
  mergeKey: string,
  listKeys: string[] = [mergeKey],
  keyDefaults: Record<string, unknown> = {},
): FieldSchema => ({
  kind: 'list',
  items,
  listType: 'map',
  listKeys,
  keyDefaults,
  patchMergeKey: mergeKey,
  patchStrategy: ['merge'],
});

const metadata = object({
  name: text,
  namespace: text,
  uid: text,
  resourceVersion: text,
  generation: number,
  creationTimestamp: text,
  labels: mapOf(text),
  annotations: mapOf(text),
  finalizers: setOf(text),
  ownerReferences: keyed(object({ uid: text, name: text, kind: text, apiVersion: text }, { mapType: 'atomic' }), 'uid'),
  managedFields: atomicList(object({}, { preserveUnknown: true })),
});

const container = object({
  name: text,
  image: text,
  args: atomicList(text),
  env: keyed(object({ name: text, value: text }), 'name'),
  ports: keyed(
    object({ containerPort: number, protocol: text, name: text }),
    'containerPort',
    ['containerPort', 'protocol'],
    { protocol: 'TCP' },
  ),
});

const podSpec = object({
  containers: keyed(container, 'name'),
  volumes: {
    ...keyed(
      object({ name: text, emptyDir: object({ medium: text, sizeLimit: text }), hostPath: object({ path: text }) }),
      'name',
    ),
    patchStrategy: ['merge', 'retainKeys'],
  },
  nodeSelector: mapOf(text, { mapType: 'atomic' }),
  tolerations: atomicList(object({ key: text, operator: text })),
});

/** Of kind apps/v1 Deployment. */
export const DEPLOYMENT = object({
  apiVersion: text,
  kind: text,
  metadata,
  spec: object({
    replicas: number,
    paused: flag,
    strategy: object({ type: text, rollingUpdate: object({ maxSurge: anyScalar }) }, { patchStrategy: ['retainKeys'] }),
    template: object({ metadata: object({ labels: mapOf(text) }), spec: podSpec }),
  }),
  status: object({ replicas: number }),
});

/** Of kind v1 ConfigMap. */
export const CONFIG_MAP = object({
  apiVersion: text,
  kind: text,
  metadata,
  data: mapOf(text),
  immutable: flag,
});
