import { SERVICES } from '#api/kube';
import { ApiError, isConflict, isNotFound, type KubeClient } from '#kube/client';
import { type Change, changeName } from '../mirror/index.ts';
import type { ServiceObject } from '../mirror/service.ts';
import { LIMITS } from './limits.ts';

export interface ApplyResult {
  /** Messages by `namespace/name` of what could not be written. */
  failures: Map<string, string>;
  /** Somebody else was faster: the watch will tell what they did, and reconciliation runs again. */
  conflicts: number;
}

/** Writes changes, a few at a time. Never rejects: what failed is in the result. */
export async function applyChanges(
  client: Pick<KubeClient, 'get' | 'create' | 'update' | 'delete'>,
  changes: readonly Change[],
): Promise<ApplyResult> {
  const result: ApplyResult = { failures: new Map(), conflicts: 0 };
  const queue = [...changes];
  const worker = async (): Promise<void> => {
    for (let change = queue.shift(); change; change = queue.shift())
      try {
        await applyChange(client, change);
      } catch (error) {
        if (isConflict(error)) result.conflicts += 1;
        else result.failures.set(changeName(change), messageOf(change, error));
      }
  };
  await Promise.all(Array.from({ length: Math.min(LIMITS.writesAtOnce, changes.length) }, worker));
  return result;
}

async function applyChange(
  client: Pick<KubeClient, 'get' | 'create' | 'update' | 'delete'>,
  change: Change,
): Promise<void> {
  if (change.do === 'create') await client.create(SERVICES, change.service);
  else if (change.do === 'update') await replaceParts(client, change.service);
  else
    try {
      const { name, namespace, resourceVersion } = change;
      await client.delete(SERVICES, { name, namespace }, { preconditions: { resourceVersion } });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
}

/** Replaces labels, annotations and ports and keeps the rest, e.g. the cluster IP. */
async function replaceParts(client: Pick<KubeClient, 'get' | 'update'>, wanted: ServiceObject): Promise<void> {
  const { name = '', namespace, resourceVersion, labels, annotations } = wanted.metadata;
  const current = await client.get<ServiceObject>(SERVICES, name, namespace);
  if (current.metadata.resourceVersion !== resourceVersion)
    throw ApiError.of(409, 'Conflict', `Service ${namespace}/${name} changed meanwhile`);
  const metadata = { ...current.metadata, labels: labels ?? {}, annotations: annotations ?? {} };
  const spec = { ...current.spec, ports: wanted.spec?.ports ?? [] };
  await client.update<ServiceObject>(SERVICES, { ...current, metadata, spec });
}

const VERBS = { create: 'create', update: 'update', delete: 'delete' } as const;

function messageOf(change: Change, error: unknown): string {
  const federated = changeName(change).endsWith('-federated');
  const what = federated ? 'federated service' : 'mirror service';
  return `Failed to ${VERBS[change.do]} ${what}: ${error instanceof Error ? error.message : String(error)}`;
}
