import { ENDPOINTS, type Endpoints, SERVICES } from '#api/kube';
import { ApiError, isConflict, isNotFound, type KubeClient } from '#kube/client';
import { isExportKey } from '../mcs/index.ts';
import {
  type Change,
  changeName,
  type EndpointsChange,
  endpointsName,
  type Join,
  MIRROR,
  observe,
} from '../mirror/index.ts';
import { foreignKeys, withForeignKeys } from '../mirror/ownership.ts';
import { type ServiceObject, withTraffic } from '../mirror/service.ts';
import { LIMITS } from './limits.ts';
import type { Rewrites } from './rewrites.ts';

export interface ApplyResult {
  /** Messages by `namespace/name` of what could not be written. */
  failures: Map<string, string>;
  /** Somebody else was faster: the watch will tell what they did, and reconciliation runs again. */
  conflicts: number;
}

type Client = Pick<KubeClient, 'get' | 'create' | 'update' | 'delete'>;

/**
 * Writes changes, a few at a time, Endpoints after their Services. Never rejects: what failed is in the result. `joins`: what a change is
 * when its turn comes, and for a Service that others changed meanwhile, by `namespace/name`; the others are as they were.
 */
export async function applyChanges(
  client: Client,
  changes: readonly Change[],
  endpoints: readonly EndpointsChange[] = [],
  rewrites?: Rewrites,
  joins: ReadonlyMap<string, Join> = new Map(),
): Promise<ApplyResult> {
  const result: ApplyResult = { failures: new Map(), conflicts: 0 };
  await writeAll(changes, result, {
    name: changeName,
    renew: (change) => {
      const join = joins.get(changeName(change));
      return join ? join() : change;
    },
    write: (change) => applyChange(client, change, joins.get(changeName(change))),
    describe: (change) => (changeName(change).endsWith('-federated') ? 'federated service' : 'mirror service'),
    rewrites,
  });
  // Where a Service could not be made, its Endpoints have nobody to belong to.
  const rest = endpoints.filter((change) => change.do === 'delete' || !result.failures.has(endpointsName(change)));
  await writeAll(rest, result, {
    name: endpointsName,
    write: (change) => applyEndpoints(client, change),
    describe: () => 'mirror endpoints',
    rewrites,
  });
  return result;
}

/** The same changes, begun elsewhere for each cluster: controllers of many Links write the same Services, and so they seldom meet. */
export function begunElsewhere(changes: readonly Change[], cluster: string): Change[] {
  let hash = 0;
  for (const letter of Buffer.from(cluster)) hash = (hash * 31 + letter * 977) % 1_000_003;
  const at = changes.length === 0 ? 0 : hash % changes.length;
  return [...changes.slice(at), ...changes.slice(0, at)];
}

interface Writing<C> {
  name(change: C): string;
  /** The change as it is now; undefined: there is none any more. */
  renew?(change: C): C | undefined;
  /** Resolves with what was written, which is not the change where others were faster; undefined: there was nothing left to do. */
  write(change: C): Promise<C | undefined>;
  /** What is written, in words. */
  describe(change: C): string;
  /** Who is asked whether an update does not only undo what somebody else will do again. */
  rewrites?: Rewrites | undefined;
}

/** Writes changes of a kind, and notes in the result what failed. */
export async function writeAll<C extends { do: string }>(
  changes: readonly C[],
  result: ApplyResult,
  { name, renew, write, describe, rewrites }: Writing<C>,
): Promise<void> {
  const queue = [...changes];
  const attempt = async (change: C): Promise<void> => {
    const what = `${describe(change)} ${name(change)}`;
    const problem = change.do === 'update' ? rewrites?.problem(what, contentOf(change)) : undefined;
    if (problem !== undefined) throw new Error(problem);
    const written = await write(change);
    if (written?.do === 'update') rewrites?.wrote(what, contentOf(written));
  };
  const worker = async (): Promise<void> => {
    for (let change = queue.shift(); change; change = queue.shift())
      try {
        const now = renew ? renew(change) : change;
        if (now) await attempt(now);
      } catch (error) {
        if (isConflict(error)) result.conflicts += 1;
        else result.failures.set(name(change), `Failed to ${change.do} ${describe(change)}: ${textOf(error)}`);
      }
  };
  await Promise.all(Array.from({ length: Math.min(LIMITS.writesAtOnce, changes.length) }, worker));
}

/** Whatever version of the object it is for. */
const contentOf = (change: object): string =>
  JSON.stringify(change, (key, value: unknown) => (key === 'resourceVersion' ? undefined : value));

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

async function applyChange(client: Client, change: Change, join: Join | undefined): Promise<Change | undefined> {
  if (change.do === 'create') return create(client, change, join);
  if (change.do === 'update') return update(client, change, join);
  await remove(client, SERVICES, change);
  return change;
}

type Creation = Change & { do: 'create' };
type Update = Change & { do: 'update' };

const read = (client: Client, { name = '', namespace }: ServiceObject['metadata']): Promise<ServiceObject> =>
  client.get<ServiceObject>(SERVICES, name, namespace);

/** That a name is taken is told by the watch, but not where a mirror of another cluster has it. */
async function create(client: Client, change: Creation, join: Join | undefined): Promise<Change | undefined> {
  const { service } = change;
  try {
    await client.create(SERVICES, service);
    return change;
  } catch (error) {
    if (!isConflict(error)) throw error;
    const current = await read(client, service.metadata);
    if (join) return rejoin(client, current, join);
    const { name = '', namespace = '', labels } = service.metadata;
    const cluster = current.metadata.labels?.[MIRROR.clusterName];
    if (cluster === undefined || cluster === labels?.[MIRROR.clusterName]) throw error;
    throw new Error(`Service ${namespace}/${name} exists and is not ours to change: it is of cluster ${cluster}`);
  }
}

async function update(client: Client, change: Update, join: Join | undefined): Promise<Change | undefined> {
  const { service } = change;
  const current = await read(client, service.metadata);
  if (current.metadata.resourceVersion !== service.metadata.resourceVersion) {
    if (join) return rejoin(client, current, join);
    throw changedMeanwhile(service.metadata);
  }
  await replaceParts(client, current, service);
  return change;
}

/** What there is to do in a Service as it was just read, where others write it, too. */
async function rejoin(client: Client, current: ServiceObject, join: Join): Promise<Change | undefined> {
  const change = join(observe(current));
  if (change?.do === 'update') await replaceParts(client, current, change.service);
  else if (change) throw changedMeanwhile(current.metadata);
  return change;
}

const changedMeanwhile = ({ name, namespace }: ServiceObject['metadata']): ApiError =>
  ApiError.of(409, 'Conflict', `Service ${namespace}/${name} changed meanwhile`);

async function applyEndpoints(client: Client, change: EndpointsChange): Promise<EndpointsChange> {
  if (change.do === 'create') await client.create<Endpoints>(ENDPOINTS, change.endpoints);
  else if (change.do === 'update') await client.update<Endpoints>(ENDPOINTS, change.endpoints);
  else await remove(client, ENDPOINTS, change);
  return change;
}

/** Deletes the version that was seen, not one that somebody made since. */
export async function remove(
  client: Pick<Client, 'delete'>,
  gvr: typeof SERVICES,
  { name, namespace, resourceVersion }: { name: string; namespace: string; resourceVersion: string },
): Promise<void> {
  try {
    await client.delete(gvr, { name, namespace }, { preconditions: { resourceVersion } });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

/** Replaces labels, annotations and ports and keeps the rest, e.g. the cluster IP. Exports say more of what they become. */
async function replaceParts(client: Client, current: ServiceObject, wanted: ServiceObject): Promise<void> {
  const { name = '', namespace, resourceVersion, labels = {}, annotations = {} } = wanted.metadata;
  const keys = withForeignKeys(foreignKeys(current.metadata), { labels, annotations });
  const metadata = { ...current.metadata, ...keys };
  const spec = { ...current.spec, ports: wanted.spec?.ports ?? [] };
  const after = observe(wanted);
  // Whether a Service has an address of its own cannot be changed: it is made anew, with what its members said.
  if (after.headless !== observe(current).headless) {
    await remove(client, SERVICES, { name, namespace: namespace ?? '', resourceVersion: resourceVersion ?? '' });
    const { resourceVersion: _seen, ...fresh } = wanted.metadata;
    await client.create<ServiceObject>(SERVICES, { ...wanted, metadata: fresh });
    return;
  }
  const isExported = [annotations, current.metadata.annotations ?? {}].some((map) =>
    Object.keys(map).some(isExportKey),
  );
  if (!isExported) {
    await client.update<ServiceObject>(SERVICES, { ...current, metadata, spec });
    return;
  }
  await client.update<ServiceObject>(SERVICES, { ...current, metadata, spec: withTraffic(spec, after.traffic ?? {}) });
}
