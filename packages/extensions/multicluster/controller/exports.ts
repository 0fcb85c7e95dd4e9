import { ENDPOINT_SLICES, type EndpointSlice, type KubeObject } from '#api/kube';
import { ApiError, type KubeClient } from '#kube/client';
import { MCS, type ObservedExport, observeExport, SERVICE_EXPORTS, type ServiceExport } from '../mcs/index.ts';
import { serviceKey } from '../mirror/index.ts';
import { ownKeys } from '../mirror/ownership.ts';
import { LIMITS } from './limits.ts';

type Client = Pick<KubeClient, 'watch'>;

const keyOf = ({ metadata }: KubeObject): string => serviceKey(metadata.namespace ?? '', metadata.name ?? '');

/**
 * Keeps a map of all ServiceExports of a cluster. A cluster that does not have the kind, or never let us see it, has none; `known` is
 * called whenever the map is complete, and after every change.
 */
export function watchExports<T>(
  client: Client,
  exports: Map<string, T>,
  read: (object: ServiceExport) => T,
  known: () => void,
): () => void {
  let isSeen = false;
  return client.watch<ServiceExport>(
    SERVICE_EXPORTS,
    {},
    {
      reset: (objects) => {
        isSeen = true;
        exports.clear();
        for (const object of objects) exports.set(keyOf(object), read(object));
        known();
      },
      applied: (object) => {
        exports.set(keyOf(object), read(object));
        known();
      },
      deleted: (object) => {
        exports.delete(keyOf(object));
        known();
      },
      failed: ({ error }) => {
        const code = error instanceof ApiError ? error.code : undefined;
        // What was seen once stands while it is refused, as with everything that a cluster does not show for a time.
        if (code !== 404 && (code !== 403 || isSeen)) return;
        exports.clear();
        known();
      },
    },
  );
}

export const watchRemoteExports = (client: Client, exports: Map<string, ObservedExport>, known: () => void) =>
  watchExports(client, exports, observeExport, known);

/** The EndpointSlices of a changing set of Services of one cluster. What was seen last stands until a new watch has seen all. */
export class SliceWatch {
  /** By `namespace/name`; undefined until seen in full. */
  slices: ReadonlyMap<string, EndpointSlice> | undefined;
  readonly #changed: () => void;
  #watched: { client: Client; selector: string } | undefined;
  #stop: () => void = () => {};

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** Looks at the slices of these Services from now on. */
  follow(client: Client | undefined, services: Iterable<{ name: string }>): void {
    if (!client) return;
    const selector = namesSelector(services);
    if (this.#watched?.client === client && this.#watched.selector === selector) return;
    this.#stop();
    this.#watched = { client, selector };
    if (selector === '') {
      this.#stop = () => {};
      this.slices = new Map();
      return;
    }
    this.#stop = watchSlices(client, selector, (slices) => {
      this.slices = slices;
      this.#changed();
    });
  }

  stop(): void {
    this.#stop();
    this.#watched = undefined;
  }
}

/** Few names are asked for one by one; of many, all slices of Services. */
export function namesSelector(services: Iterable<{ name: string }>): string {
  const names = [...new Set([...services].map(({ name }) => name))].sort();
  if (names.length === 0) return '';
  return names.length <= LIMITS.namesInSelector
    ? `kubernetes.io/service-name in (${names.join(',')})`
    : 'kubernetes.io/service-name';
}

/** Those that we made of a cluster's pods; all of ours without one. */
export const ourSlices = (cluster?: string): string =>
  `${MCS.managedBy}=${MCS.manager}${cluster === undefined ? '' : `,${MCS.sourceCluster}=${cluster}`}`;

const ownLabels = ({ metadata }: EndpointSlice) => ({
  labels: { ...ownKeys(metadata).labels, [MCS.managedBy]: MCS.manager },
});

/** Keeps a map of slices, without what takes room and says nothing; `changed` has it once it is complete, and after every change. */
export function watchSlices(
  client: Client,
  labelSelector: string,
  changed: (slices: ReadonlyMap<string, EndpointSlice>) => void,
): () => void {
  const slices = new Map<string, EndpointSlice>();
  const put = (slice: EndpointSlice): void => {
    const { managedFields: _fields, ...metadata } = slice.metadata;
    const isOurs = metadata.labels?.[MCS.managedBy] === MCS.manager;
    // Of what we made, labels that others added are no difference.
    slices.set(keyOf(slice), { ...slice, metadata: { ...metadata, ...(isOurs && ownLabels(slice)) } });
  };
  return client.watch<EndpointSlice>(
    ENDPOINT_SLICES,
    { labelSelector },
    {
      reset: (objects) => {
        slices.clear();
        objects.forEach(put);
        changed(slices);
      },
      applied: (slice) => {
        put(slice);
        changed(slices);
      },
      deleted: (slice) => {
        slices.delete(keyOf(slice));
        changed(slices);
      },
    },
  );
}
