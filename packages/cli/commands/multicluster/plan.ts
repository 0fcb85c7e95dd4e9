import { NAMESPACES, SERVICES } from '#api/kube';
import {
  type Link,
  type LocalView,
  MIRROR,
  type ObservedExport,
  type ObservedService,
  observe,
  observeExport,
  reconcileLink,
  SERVICE_EXPORTS,
  type ServiceExport,
  type ServiceObject,
  selects,
  serviceKey,
} from '#extensions/multicluster';
import { isNotFound, type KubeClient } from '#kube/client';
import { renderTable } from '../../output/index.ts';

/** What would become of one Service of the target cluster. */
export interface PlanRow {
  namespace: string;
  service: string;
  mode: 'gateway' | 'flat' | 'federated' | '-';
  /** What it would be called in the source cluster. */
  local: string;
  result: string;
}

/** The source cluster as far as it is known; undefined: an empty one that has all namespaces. */
export type Source = Pick<LocalView, 'services' | 'namespaces'> | undefined;

/** Every Service that a selector of the Link takes, or that is exported, with what the mirror controller would do about it. */
export function planLink(
  link: Link,
  remote: ReadonlyMap<string, ObservedService>,
  source: Source,
  exports: ReadonlyMap<string, ObservedExport> = new Map(),
): PlanRow[] {
  const namespaces = source?.namespaces ?? new Set([...remote.values()].map(({ namespace }) => namespace));
  const services = source?.services ?? new Map<string, ObservedService>();
  const local: LocalView = { services, namespaces, endpoints: new Map() };
  const scene = link.spec?.gatewayAddress ? SCENE : undefined;
  const { changes, mirrors, federated, originals } = reconcileLink(link, remote, local, new Map(), scene, exports);
  const changed = new Map(
    changes.map((change) =>
      change.do === 'delete'
        ? [serviceKey(change.namespace, change.name), 'made anew']
        : [
            serviceKey(change.service.metadata.namespace ?? '', change.service.metadata.name ?? ''),
            change.do === 'create' ? 'created' : 'updated',
          ],
    ),
  );
  const locals = new Map([...originals].map(([name, original]) => [original, name]));
  const rowOf =
    (mode: 'mirror' | 'federated') =>
    (outcome: (typeof mirrors)[number]): PlanRow => {
      const { namespace, name: service, reason, message, localName } = outcome;
      const original = serviceKey(namespace, service);
      const key = localName === undefined ? locals.get(original) : serviceKey(namespace, localName);
      const done = key === undefined ? undefined : (changed.get(key) ?? 'unchanged');
      const result = reason === 'Mirrored' ? (done ?? 'unchanged') : `${reason}: ${message}`;
      const labels = remote.get(original)?.labels ?? {};
      const flatOrGateway = selects(link.spec?.remoteDiscoverySelector, labels) ? 'flat' : 'gateway';
      const mirrorMode = labels[MIRROR.mirroredService] === undefined ? flatOrGateway : '-';
      return {
        namespace,
        service,
        mode: mode === 'mirror' ? mirrorMode : mode,
        local: key?.slice(namespace.length + 1) ?? '-',
        result: outcome.conflict === undefined ? result : `${result}; ${outcome.conflict.message}`,
      };
    };
  const rows = [...mirrors.map(rowOf('mirror')), ...federated.map(rowOf('federated'))];
  return rows.sort(
    (a, b) => compare(a.namespace, b.namespace) || compare(a.service, b.service) || compare(a.mode, b.mode),
  );
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** A gateway that lives, and services that are ready: a plan is about what is meant, not about the moment. */
const SCENE = {
  gateway: { addresses: ['0.0.0.0'], port: 4143, identity: undefined, alive: true },
  endpoints: { get: () => ({ ready: true, any: true, hosts: new Map<string, boolean>(), ports: [] }) },
  headless: false,
};

/** All Services of a cluster. */
export async function servicesOf(client: KubeClient): Promise<Map<string, ObservedService>> {
  const { items } = await client.list<ServiceObject>(SERVICES);
  const all = items.map(observe);
  return new Map(all.map((service) => [serviceKey(service.namespace, service.name), service]));
}

/** All ServiceExports of a cluster; none where the kind is not known. */
export async function exportsOf(client: KubeClient): Promise<Map<string, ObservedExport>> {
  try {
    const { items } = await client.list<ServiceExport>(SERVICE_EXPORTS);
    return new Map(items.map(observeExport).map((each) => [serviceKey(each.namespace, each.name), each]));
  } catch (error) {
    if (isNotFound(error)) return new Map();
    throw error;
  }
}

/** The cluster in which the Link is to be applied. */
export async function sourceOf(client: KubeClient): Promise<NonNullable<Source>> {
  const { items } = await client.list(NAMESPACES, { metadataOnly: true });
  return { services: await servicesOf(client), namespaces: new Set(items.map(({ metadata }) => metadata.name ?? '')) };
}

export const planTable = (rows: readonly PlanRow[]): string =>
  renderTable([
    ['NAMESPACE', 'SERVICE', 'MODE', 'LOCAL', 'RESULT'],
    ...rows.map(({ namespace, service, mode, local, result }) => [namespace, service, mode, local, result]),
  ]);
