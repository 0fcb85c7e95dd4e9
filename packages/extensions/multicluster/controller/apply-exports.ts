import { type Condition, ENDPOINT_SLICES, type EndpointSlice } from '#api/kube';
import { isNotFound, type KubeClient } from '#kube/client';
import {
  type ImportChange,
  SERVICE_EXPORTS,
  SERVICE_IMPORTS,
  type ServiceImport,
  type SliceChange,
} from '../mcs/index.ts';
import { serviceKey } from '../mirror/index.ts';
import { type ApplyResult, remove, writeAll } from './apply.ts';

type Client = Pick<KubeClient, 'create' | 'update' | 'delete' | 'patch'>;

const nothing = (): ApplyResult => ({ failures: new Map(), conflicts: 0 });

/** Writes EndpointSlices of exported Services. Never rejects: what failed is in the result. */
export async function applySlices(client: Client, changes: readonly SliceChange[]): Promise<ApplyResult> {
  const result = nothing();
  await writeAll(changes, result, {
    name: (change) => {
      const { name = '', namespace = '' } = change.do === 'delete' ? change : change.slice.metadata;
      return serviceKey(namespace, name);
    },
    write: (change) => applySlice(client, change),
    describe: () => 'endpoint slice',
  });
  return result;
}

async function applySlice(client: Client, change: SliceChange): Promise<SliceChange> {
  if (change.do === 'delete') await remove(client, ENDPOINT_SLICES, change);
  else if (change.do === 'create') await client.create<EndpointSlice>(ENDPOINT_SLICES, change.slice);
  else await client.update<EndpointSlice>(ENDPOINT_SLICES, change.slice);
  return change;
}

/** Writes ServiceImports. Never rejects: what failed is in the result. */
export async function applyImports(client: Client, changes: readonly ImportChange[]): Promise<ApplyResult> {
  const result = nothing();
  await writeAll(changes, result, {
    name: (change) => {
      const { name = '', namespace = '' } = 'object' in change ? change.object.metadata : change;
      return serviceKey(namespace, name);
    },
    write: (change) => applyImport(client, change),
    describe: () => 'service import',
  });
  return result;
}

async function applyImport(client: Client, change: ImportChange): Promise<ImportChange> {
  if (change.do === 'delete') await remove(client, SERVICE_IMPORTS, change);
  else if (change.do === 'status') await patchStatus(client, SERVICE_IMPORTS, change, change.status);
  else if (change.do === 'create') await client.create<ServiceImport>(SERVICE_IMPORTS, change.object);
  else await client.update<ServiceImport>(SERVICE_IMPORTS, change.object);
  return change;
}

/** Writes the conditions of a ServiceExport; one that is gone meanwhile needs none. */
export const writeConditions = (
  client: Client,
  ref: { name: string; namespace: string },
  conditions: readonly Condition[],
): Promise<void> => patchStatus(client, SERVICE_EXPORTS, ref, { conditions });

async function patchStatus(
  client: Client,
  gvr: typeof SERVICE_IMPORTS,
  { name, namespace }: { name: string; namespace: string },
  status: object,
): Promise<void> {
  try {
    await client.patch(gvr, { name, namespace }, { type: 'merge', body: { status }, subresource: 'status' });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
