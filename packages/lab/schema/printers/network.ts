import type {
  EndpointSlice,
  Endpoints,
  Ingress,
  IngressClass,
  IPAddress,
  Lease,
  LoadBalancerIngress,
  NetworkPolicy,
  Service,
  ServiceCIDR,
  ServicePort,
} from '#api/kube';
import {
  ageOf,
  balancerText,
  fewOf,
  labelsText,
  NONE,
  nameOf,
  type Printer,
  printer,
  selectorText,
  UNSET,
} from './printer.ts';

const SHOWN_MAX = 3;

function externalText({ spec, status }: Service): string {
  const external = spec?.externalIPs ?? [];
  switch (spec?.type) {
    case 'ExternalName':
      return spec.externalName ?? '';
    case 'LoadBalancer': {
      const balancer = balancerText(status?.loadBalancer?.ingress);
      return [...(balancer ? [balancer] : []), ...external].join(',') || '<pending>';
    }
    default:
      return external.join(',') || NONE;
  }
}

const portText = ({ port, nodePort, protocol = 'TCP' }: ServicePort): string =>
  nodePort ? `${port}:${nodePort}/${protocol}` : `${port}/${protocol}`;

const joinHostPort = (ip: string, port: number): string => (ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`);

/** Each address with each port; addresses alone where a headless Service has no ports. */
const addressesOf = ({ subsets = [] }: Endpoints): string[] =>
  subsets.flatMap(({ addresses = [], ports = [] }) =>
    ports.length === 0
      ? addresses.map(({ ip }) => ip)
      : ports.flatMap(({ port }) => addresses.map(({ ip }) => joinHostPort(ip, port))),
  );

/** Rules beyond the first three hosts are counted whether they name one or not. */
function hostsText({ spec }: Ingress): string {
  const rules = spec?.rules ?? [];
  const hosts = rules.flatMap(({ host }) => host || []);
  if (hosts.length === 0) return '*';
  const shown = hosts.slice(0, SHOWN_MAX).join(',');
  const more = rules.length - SHOWN_MAX;
  return hosts.length >= SHOWN_MAX && more > 0 ? `${shown} + ${more} more...` : shown;
}

function parametersText({ spec }: IngressClass): string {
  const parameters = spec?.parameters;
  if (!parameters) return NONE;
  return `${parameters.kind}${parameters.apiGroup === undefined ? '' : `.${parameters.apiGroup}`}/${parameters.name}`;
}

/** Services, their endpoints, and other network kinds. */
export const NETWORK: Readonly<Record<string, Printer>> = {
  '/v1/Service': printer<Service>('Name|Type|Cluster-IP|External-IP|Port(s)|Age|Selector+', (service, nowMs) => [
    nameOf(service),
    service.spec?.type ?? 'ClusterIP',
    service.spec?.clusterIPs?.[0] || service.spec?.clusterIP || NONE,
    externalText(service),
    (service.spec?.ports ?? []).map(portText).join(',') || NONE,
    ageOf(service, nowMs),
    labelsText(service.spec?.selector),
  ]),
  '/v1/Endpoints': printer<Endpoints>('Name|Endpoints|Age', (endpoints, nowMs) => [
    nameOf(endpoints),
    fewOf(addressesOf(endpoints), SHOWN_MAX, (endpoints.subsets ?? []).length === 0 ? NONE : ''),
    ageOf(endpoints, nowMs),
  ]),
  'discovery.k8s.io/v1/EndpointSlice': printer<EndpointSlice>(
    'Name|AddressType|Ports|Endpoints|Age',
    (slice, nowMs) => [
      nameOf(slice),
      slice.addressType,
      fewOf(
        (slice.ports ?? []).map(({ port, name }) => String(port ?? name ?? '*')),
        SHOWN_MAX,
        UNSET,
      ),
      fewOf(
        (slice.endpoints ?? []).flatMap(({ addresses }) => addresses ?? []),
        SHOWN_MAX,
        UNSET,
      ),
      ageOf(slice, nowMs),
    ],
  ),
  'networking.k8s.io/v1/Ingress': printer<Ingress>('Name|Class|Hosts|Address|Ports|Age', (ingress, nowMs) => [
    nameOf(ingress),
    ingress.spec?.ingressClassName ?? NONE,
    hostsText(ingress),
    balancerText(ingress.status?.loadBalancer?.ingress as LoadBalancerIngress[] | undefined),
    (ingress.spec?.tls ?? []).length > 0 ? '80, 443' : '80',
    ageOf(ingress, nowMs),
  ]),
  'networking.k8s.io/v1/IngressClass': printer<IngressClass>('Name|Controller|Parameters|Age', (object, nowMs) => [
    nameOf(object),
    object.spec?.controller ?? '',
    parametersText(object),
    ageOf(object, nowMs),
  ]),
  'networking.k8s.io/v1/NetworkPolicy': printer<NetworkPolicy>('Name|Pod-Selector|Age', (object, nowMs) => [
    nameOf(object),
    selectorText(object.spec?.podSelector),
    ageOf(object, nowMs),
  ]),
  'networking.k8s.io/v1/ServiceCIDR': printer<ServiceCIDR>('Name|CIDRs|Age', (object, nowMs) => [
    nameOf(object),
    (object.spec?.cidrs ?? []).join(','),
    ageOf(object, nowMs),
  ]),
  'networking.k8s.io/v1/IPAddress': printer<IPAddress>('Name|ParentRef', (object) => {
    const { group = '', resource = '', namespace = '', name = '' } = object.spec?.parentRef ?? {};
    return [nameOf(object), [group ? `${resource}.${group}` : resource, namespace, name].filter(Boolean).join('/')];
  }),
  'coordination.k8s.io/v1/Lease': printer<Lease>('Name|Holder|Age', (lease, nowMs) => [
    nameOf(lease),
    lease.spec?.holderIdentity ?? '',
    ageOf(lease, nowMs),
  ]),
};
