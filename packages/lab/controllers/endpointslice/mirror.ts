import { ENDPOINT_SLICES, ENDPOINTS, SERVICES } from '#api/kube';
import type {
  AddressType,
  EndpointAddress,
  EndpointSlice,
  EndpointSubset,
  Endpoints,
  Service,
  SlicePort,
} from '../../kinds/index.ts';
import { type Controller, type Plan, refOf } from '../../reconcile/index.ts';
import { TRIGGER_TIME } from '../endpoints/index.ts';
import { groupByPorts, type PortGroup } from './arrange.ts';
import { MANAGED_BY_LABEL, SERVICE_LABEL, sliceWrites } from './slices.ts';

const MANAGED_BY = 'endpointslicemirroring-controller.k8s.io';
const SKIP_LABEL = 'endpointslice.kubernetes.io/skip-mirror';
const LEADER_ANNOTATION = 'control-plane.alpha.kubernetes.io/leader';
const NOT_COPIED: ReadonlySet<string> = new Set([TRIGGER_TIME, 'kubectl.kubernetes.io/last-applied-configuration']);
const ENDPOINTS_PER_SLICE_MAX = 1000;
/** Addresses of one subset that are mirrored; further ones, unready ones first, are left out. */
const SUBSET_ADDRESSES_MAX = 1000;
/** What counts as yes in a label, as elsewhere in Kubernetes. */
const YES: ReadonlySet<string> = new Set(['1', 't', 'T', 'true', 'TRUE', 'True']);

export interface MirrorObserved {
  endpoints: Endpoints | undefined;
  service: Service | undefined;
  /** Mirrors of these Endpoints. */
  slices: readonly EndpointSlice[];
}

export const mirroringController: Controller<MirrorObserved> = {
  name: 'endpointslicemirroring-controller',
  triggers: [
    { gvr: ENDPOINTS, keys: ({ now, old }) => [now, old].flatMap((each) => (each ? [refOf(each)] : [])) },
    { gvr: SERVICES, keys: ({ now, old }) => [now, old].flatMap((each) => (each ? [refOf(each)] : [])) },
    {
      gvr: ENDPOINT_SLICES,
      *keys({ now, old }) {
        const { labels, namespace = '' } = (now ?? old)?.metadata ?? {};
        if (labels?.[MANAGED_BY_LABEL] === MANAGED_BY) yield `${namespace}/${labels[SERVICE_LABEL]}`;
      },
    },
  ],
  observe(key, caches) {
    const [namespace = '', name] = key.split('/');
    const slices = caches.of<EndpointSlice>(ENDPOINT_SLICES).list(namespace);
    return {
      endpoints: caches.of<Endpoints>(ENDPOINTS).byRef(key),
      service: caches.of<Service>(SERVICES).byRef(key),
      slices: slices.filter(
        ({ metadata: { labels } }) => labels?.[SERVICE_LABEL] === name && labels?.[MANAGED_BY_LABEL] === MANAGED_BY,
      ),
    };
  },
  reconcile: reconcileMirror,
};

/** Decides the mirrors of one Endpoints object. Pure. */
export function reconcileMirror({ endpoints, service, slices }: MirrorObserved, nowMs: number): Plan {
  if (!endpoints || !service || !isMirrored(endpoints, service))
    return { writes: slices.map((slice) => ({ verb: 'delete', gvr: ENDPOINT_SLICES, object: slice })) };
  const { labels = {}, annotations = {} } = endpoints.metadata;
  const copied = Object.fromEntries(Object.entries(annotations).filter(([key]) => !NOT_COPIED.has(key)));
  const plan = {
    owner: endpoints,
    ownerApiVersion: 'v1',
    ownerKind: 'Endpoints',
    existing: slices,
    labels: { ...labels, [SERVICE_LABEL]: endpoints.metadata.name ?? '', [MANAGED_BY_LABEL]: MANAGED_BY },
    annotations: copied,
    groups: groupsOf(endpoints),
    endpointsMax: ENDPOINTS_PER_SLICE_MAX,
  };
  return {
    writes:
      plan.groups.size > 0
        ? sliceWrites(plan, nowMs)
        : slices.map((slice) => ({ verb: 'delete', gvr: ENDPOINT_SLICES, object: slice })),
  };
}

const isMirrored = (endpoints: Endpoints, service: Service): boolean =>
  !YES.has(endpoints.metadata.labels?.[SKIP_LABEL] ?? '') &&
  endpoints.metadata.annotations?.[LEADER_ANNOTATION] === undefined &&
  !endpoints.metadata.deletionTimestamp &&
  Object.keys(service.spec.selector ?? {}).length === 0;

function groupsOf({ subsets = [] }: Endpoints): Map<AddressType, PortGroup[]> {
  const groups = new Map<AddressType, PortGroup[]>();
  for (const family of ['IPv4', 'IPv6'] as const) {
    const rows = subsets.flatMap((subset) => rowsOf(subset, family));
    if (rows.length > 0) groups.set(family, groupByPorts(rows));
  }
  return groups;
}

function rowsOf({ addresses = [], notReadyAddresses = [], ports = [] }: EndpointSubset, family: AddressType) {
  const slicePorts: SlicePort[] = ports.map(({ name = '', protocol = 'TCP', ...rest }) => ({
    name,
    protocol,
    ...rest,
  }));
  const row = (address: EndpointAddress, ready: boolean) => {
    const { ip, hostname, nodeName, targetRef } = address;
    const details = { ...(hostname && { hostname }), ...(nodeName && { nodeName }), ...(targetRef && { targetRef }) };
    return { ports: slicePorts, endpoint: { addresses: [ip], conditions: { ready }, ...details } };
  };
  const rows = [...addresses.map((each) => row(each, true)), ...notReadyAddresses.map((each) => row(each, false))];
  return rows
    .slice(0, SUBSET_ADDRESSES_MAX)
    .filter(({ endpoint }) => endpoint.addresses[0]?.includes(':') === (family === 'IPv6'));
}
