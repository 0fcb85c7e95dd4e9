import { ENDPOINT_SLICES, NODES, SERVICES } from '#api/kube';
import {
  type AddressType,
  addressesOf,
  type EndpointSlice,
  isReady,
  isTrue,
  type Node,
  type Pod,
  type Service,
  type SliceEndpoint,
  type SlicePort,
  targetPortOf,
} from '../../kinds/index.ts';
import { type CacheReader, type Change, type Controller, NOTHING, type Plan, refOf } from '../../reconcile/index.ts';
import {
  HEADLESS_LABEL,
  hasSelector,
  hostnameOf,
  isHeadless,
  podsOf,
  serviceTriggers,
  targetOf,
} from '../endpoints/index.ts';
import { groupByPorts, type PortGroup } from './arrange.ts';
import { MANAGED_BY_LABEL, SERVICE_LABEL, sliceWrites } from './slices.ts';
import { cpusByZone, isTopologyAware, withZoneHints, zoneOfNode } from './topology.ts';

const MANAGED_BY = 'endpointslice-controller.k8s.io';
const ENDPOINTS_PER_SLICE_MAX = 100;

export interface SlicesObserved {
  service: Service;
  /** Its candidates: selected, with an address, not finished. */
  pods: readonly Pod[];
  /** Slices of the Service that this controller made. */
  slices: readonly EndpointSlice[];
  zoneOf(nodeName: string): string | undefined;
  /** CPUs by zone, where known: see `cpusByZone`. */
  cpus: ReadonlyMap<string, number> | undefined;
}

export const endpointSliceController: Controller<SlicesObserved> = {
  name: 'endpointslice-controller',
  triggers: [
    ...serviceTriggers,
    {
      gvr: ENDPOINT_SLICES,
      *keys({ now, old }) {
        const { labels, namespace = '' } = (now ?? old)?.metadata ?? {};
        if (labels?.[MANAGED_BY_LABEL] === MANAGED_BY) yield `${namespace}/${labels[SERVICE_LABEL]}`;
      },
    },
    { gvr: NODES, keys: afterNodeChange },
  ],
  observe(key, caches) {
    const service = caches.of<Service>(SERVICES).byRef(key);
    if (!service || !hasSelector(service)) return undefined;
    const { name, namespace } = service.metadata;
    const slices = caches.of<EndpointSlice>(ENDPOINT_SLICES).list(namespace);
    return {
      service,
      pods: podsOf(service, caches),
      slices: slices.filter(
        ({ metadata: { labels } }) => labels?.[SERVICE_LABEL] === name && labels?.[MANAGED_BY_LABEL] === MANAGED_BY,
      ),
      zoneOf: (nodeName) => zoneOfNode(caches.of<Node>(NODES).get(nodeName)),
      cpus: isTopologyAware(service) ? cpusByZone(caches.of<Node>(NODES).list()) : undefined,
    };
  },
  reconcile: reconcileSlices,
};

function afterNodeChange({ now, old }: Change, caches: CacheReader): string[] {
  const [node, before] = [now as Node | undefined, old as Node | undefined];
  const services = caches.of<Service>(SERVICES).list().filter(hasSelector);
  if (zoneOfNode(node) !== zoneOfNode(before)) return services.map(refOf);
  const share = (each: Node | undefined): string =>
    `${isTrue(each?.status?.conditions, 'Ready')} ${each?.status?.allocatable?.['cpu']}`;
  return share(node) === share(before) ? [] : services.filter(isTopologyAware).map(refOf);
}

/** Decides the slices of one Service. Pure. */
export function reconcileSlices(observed: SlicesObserved, nowMs: number): Plan {
  const { service, slices } = observed;
  if (service.metadata.deletionTimestamp) return NOTHING;
  const families = (service.spec.ipFamilies?.length ? service.spec.ipFamilies : ['IPv4']) as AddressType[];
  const groups = new Map(families.map((family) => [family, groupsOf(observed, family)] as const));
  const labels = {
    ...service.metadata.labels,
    ...(isHeadless(service) && { [HEADLESS_LABEL]: '' }),
    [SERVICE_LABEL]: service.metadata.name ?? '',
    [MANAGED_BY_LABEL]: MANAGED_BY,
  };
  const owner = { owner: service, ownerApiVersion: 'v1', ownerKind: 'Service' };
  const plan = { ...owner, existing: slices, labels, annotations: {}, groups, endpointsMax: ENDPOINTS_PER_SLICE_MAX };
  return { writes: sliceWrites(plan, nowMs) };
}

function groupsOf(observed: SlicesObserved, family: AddressType): PortGroup[] {
  const rows = observed.pods.flatMap((pod) => rowsOf(observed, pod, family));
  if (!isTopologyAware(observed.service)) return groupByPorts(rows);
  const hinted = withZoneHints(
    rows.map(({ endpoint }) => endpoint),
    observed.cpus,
  );
  return groupByPorts(rows.map(({ ports }, at) => ({ ports, endpoint: hinted[at]! })));
}

function rowsOf({ service, zoneOf }: SlicesObserved, pod: Pod, family: AddressType) {
  const [address] = addressesOf(pod, family);
  if (!address) return [];
  const ports = (service.spec.ports ?? []).flatMap((servicePort): SlicePort[] => {
    const port = targetPortOf(pod, servicePort);
    const { name = '', protocol = 'TCP', appProtocol } = servicePort;
    return port === undefined ? [] : [{ name, port, protocol, ...(appProtocol && { appProtocol }) }];
  });
  return [{ ports, endpoint: endpointOf(service, pod, address, zoneOf) }];
}

function endpointOf(service: Service, pod: Pod, address: string, zoneOf: SlicesObserved['zoneOf']): SliceEndpoint {
  const serving = isReady(pod);
  const terminating = pod.metadata.deletionTimestamp !== undefined;
  const { nodeName } = pod.spec;
  const zone = nodeName ? zoneOf(nodeName) : undefined;
  const hostname = hostnameOf(pod, service);
  const hints = hintsFor(service.spec.trafficDistribution, zone, nodeName);
  return {
    addresses: [address],
    conditions: {
      ready: service.spec.publishNotReadyAddresses === true || (serving && !terminating),
      serving,
      terminating,
    },
    ...(hostname && { hostname }),
    ...(nodeName && { nodeName }),
    ...(zone && { zone }),
    targetRef: targetOf(pod),
    ...(hints && { hints }),
  };
}

/** Whom proxies should prefer this endpoint for, by the Service's `trafficDistribution`. */
function hintsFor(distribution: string | undefined, zone?: string, nodeName?: string): SliceEndpoint['hints'] {
  const forZones = zone ? { forZones: [{ name: zone }] } : undefined;
  if (distribution === 'PreferClose' || distribution === 'PreferSameZone') return forZones;
  if (distribution === 'PreferSameNode' && nodeName) return { ...forZones, forNodes: [{ name: nodeName }] };
  return undefined;
}
