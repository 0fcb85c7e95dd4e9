import type { EndpointSlice, Service } from '#api/kube';

/** One answer of the cluster's DNS; `name` without the final dot. */
export type DnsRecord =
  | { type: 'A'; name: string; address: string }
  | { type: 'CNAME' | 'PTR'; name: string; target: string }
  | { type: 'SRV'; name: string; target: string; port: number };

/** What the cluster's names are made from. */
export interface DnsView {
  service(namespace: string, name: string): Service | undefined;
  /** The slices of one Service. */
  slices(namespace: string, service: string): readonly EndpointSlice[];
  hasNamespace(namespace: string): boolean;
  /** Service or endpoint behind an address, for reverse look-ups. */
  nameOf(ip: string): string | undefined;
}

/** What a name resolves to: records (maybe none of the asked type), or no such name. */
export interface Resolution {
  exists: boolean;
  records: DnsRecord[];
}

const NOTHING: Resolution = { exists: false, records: [] };
const EMPTY: Resolution = { exists: true, records: [] };

/** An endpoint by the label of its host name. */
export interface EndpointName {
  label: string;
  ip: string;
  ports: readonly { name: string; protocol: string; port: number }[];
}

/** The host label of an endpoint's address: `10.42.0.7` -> `10-42-0-7`. */
export const dashed = (ip: string): string => ip.replaceAll('.', '-');

/** Answers for names in one cluster, as the Kubernetes DNS specification 1.1 lays them out. Pure. */
export function resolve(name: string, view: DnsView, clusterDomain: string): Resolution {
  const lower = name.toLowerCase().replace(/\.$/, '');
  if (lower.endsWith('.in-addr.arpa')) return reverse(lower, view);
  const suffix = `.${clusterDomain}`;
  if (lower === clusterDomain) return EMPTY;
  if (!lower.endsWith(suffix)) return NOTHING;
  const labels = lower.slice(0, -suffix.length).split('.').reverse();
  const [zone, namespace, ...rest] = labels;
  if (zone === 'svc')
    return namespace === undefined ? EMPTY : serviceName(namespace, rest.reverse(), view, lower, clusterDomain);
  if (zone === 'pod') return namespace === undefined ? EMPTY : podName(namespace, rest, view, lower);
  return NOTHING;
}

function reverse(name: string, view: DnsView): Resolution {
  const ip = name.slice(0, -'.in-addr.arpa'.length).split('.').reverse().join('.');
  const target = view.nameOf(ip);
  return target ? { exists: true, records: [{ type: 'PTR', name, target }] } : NOTHING;
}

function podName(namespace: string, rest: readonly string[], view: DnsView, name: string): Resolution {
  if (!view.hasNamespace(namespace)) return NOTHING;
  if (rest.length === 0) return EMPTY;
  const address = rest.length === 1 ? (rest[0] ?? '').replaceAll('-', '.') : '';
  return isIpv4(address) ? { exists: true, records: [{ type: 'A', name, address }] } : NOTHING;
}

const isIpv4 = (text: string): boolean => {
  const parts = text.split('.');
  return parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255);
};

/** `labels` from left to right, without namespace: `[service]`, `[host, service]` or `[_port, _proto, service]`. */
function serviceName(
  namespace: string,
  labels: readonly string[],
  view: DnsView,
  name: string,
  clusterDomain: string,
): Resolution {
  if (labels.length === 0) return view.hasNamespace(namespace) ? EMPTY : NOTHING;
  const serviceLabel = labels.at(-1) ?? '';
  const service = view.service(namespace, serviceLabel);
  if (!service) return NOTHING;
  const base = `${serviceLabel}.${namespace}.svc.${clusterDomain}`;
  if (service.spec?.type === 'ExternalName') return labels.length === 1 ? external(service, name) : NOTHING;
  const endpoints = endpointNames(service, view.slices(namespace, serviceLabel));
  const isHeadless = service.spec?.clusterIP === 'None';
  if (labels.length === 1) return isHeadless ? headless(endpoints, name, base) : virtual(service, name, base);
  if (labels.length === 3 && labels[0]?.startsWith('_') && labels[1]?.startsWith('_'))
    return portName({ service, endpoints, isHeadless, base }, labels[0].slice(1), labels[1].slice(1), name);
  if (labels.length !== 2) return NOTHING;
  const hosts = endpoints.filter(({ label }) => label === labels[0]);
  return { exists: hosts.length > 0, records: hosts.map(({ ip }) => ({ type: 'A', name, address: ip })) };
}

const external = (service: Service, name: string): Resolution => ({
  exists: true,
  records: [{ type: 'CNAME', name, target: (service.spec?.externalName ?? '').replace(/\.$/, '') }],
});

function virtual(service: Service, name: string, base: string): Resolution {
  const ip = service.spec?.clusterIP;
  if (!ip) return EMPTY;
  const ports = (service.spec?.ports ?? []).map(({ port }) => port);
  return { exists: true, records: [{ type: 'A', name, address: ip }, ...srv(name, ports, base)] };
}

/** One SRV record a port, each port once. */
export const srv = (name: string, ports: readonly number[], target: string): DnsRecord[] =>
  [...new Set(ports)].map((port) => ({ type: 'SRV', name, target, port }));

/** A headless name answers A with all addresses, and SRV with one target per endpoint and port, asked for by port or not. */
function headless(endpoints: readonly EndpointName[], name: string, base: string): Resolution {
  const records: DnsRecord[] = unique(endpoints).map(({ ip }) => ({ type: 'A', name, address: ip }));
  for (const { label, ports } of endpoints)
    records.push(
      ...srv(
        name,
        ports.map(({ port }) => port),
        `${label}.${base}`,
      ),
    );
  return { exists: true, records };
}

function unique(endpoints: readonly EndpointName[]): EndpointName[] {
  return [...new Map(endpoints.map((endpoint) => [endpoint.ip, endpoint])).values()];
}

function portName(
  found: { service: Service; endpoints: readonly EndpointName[]; isHeadless: boolean; base: string },
  port: string,
  protocol: string,
  name: string,
): Resolution {
  const isAsked = (candidate: { name?: string; protocol?: string }): boolean =>
    candidate.name === port && (candidate.protocol ?? 'TCP').toLowerCase() === protocol;
  const records = found.isHeadless
    ? found.endpoints.flatMap(({ label, ports }) =>
        srv(
          name,
          ports.filter(isAsked).map((each) => each.port),
          `${label}.${found.base}`,
        ),
      )
    : srv(
        name,
        (found.service.spec?.ports ?? []).filter(isAsked).map((each) => each.port),
        found.base,
      );
  return { exists: records.length > 0, records };
}

/** Endpoints that names stand for: ready ones, or all when the Service publishes those that are not. */
export function endpointNames(service: Service, slices: readonly EndpointSlice[]): EndpointName[] {
  const all = service.spec?.publishNotReadyAddresses === true;
  return slices
    .filter(({ addressType }) => addressType === 'IPv4')
    .flatMap(({ endpoints, ports = [] }) =>
      endpoints
        .filter(({ conditions }) => all || conditions?.ready !== false)
        .map((endpoint) => {
          const ip = endpoint.addresses[0] ?? '';
          const open = ports.flatMap(({ name = '', protocol = 'TCP', port }) =>
            port === undefined ? [] : [{ name, protocol, port }],
          );
          return { label: endpoint.hostname || dashed(ip), ip, ports: open };
        }),
    );
}
