import type { EndpointSlice } from '#api/kube';
import {
  type DnsRecord,
  type DnsView,
  type EndpointName,
  endpointNames,
  type Resolution,
  resolve,
  srv,
} from './records.ts';

/** The zone of services that several clusters share (KEP-1645, DNS), whatever the clusters' own domains are. */
export const CLUSTERSET_DOMAIN = 'clusterset.local';

/** As much of a ServiceImport as its names are made from. */
export interface ImportedService {
  spec?: { type?: string; ips?: string[]; ports?: { name?: string; protocol?: string; port: number }[] };
}

/** What names below `clusterset.local` are made from. */
export interface ClustersetView extends DnsView {
  imported(namespace: string, name: string): ImportedService | undefined;
  /** The slices of one import, by the cluster whose pods are in them. */
  importedSlices(namespace: string, name: string): readonly { cluster: string; slice: EndpointSlice }[];
}

const NOTHING: Resolution = { exists: false, records: [] };
const EMPTY: Resolution = { exists: true, records: [] };

/** The zone that a name is in. */
export const zoneOf = (name: string, clusterDomain: string): string =>
  `.${name.toLowerCase()}`.replace(/\.$/, '').endsWith(`.${CLUSTERSET_DOMAIN}`) ? CLUSTERSET_DOMAIN : clusterDomain;

/** Answers for names of the cluster and of what it imports. Pure. */
export function resolveAll(name: string, view: ClustersetView, clusterDomain: string): Resolution {
  if (zoneOf(name, clusterDomain) !== CLUSTERSET_DOMAIN) return resolve(name, view, clusterDomain);
  const lower = name.toLowerCase().replace(/\.$/, '');
  if (lower === CLUSTERSET_DOMAIN) return EMPTY;
  const labels = lower.slice(0, -CLUSTERSET_DOMAIN.length - 1).split('.');
  const [zone, namespace, service] = labels.reverse();
  if (zone !== 'svc') return NOTHING;
  if (namespace === undefined || service === undefined) return EMPTY;
  const found = view.imported(namespace, service);
  if (!found) return NOTHING;
  const base = `${service}.${namespace}.svc.${CLUSTERSET_DOMAIN}`;
  const rest = labels.slice(3).reverse();
  return found.spec?.type === 'Headless'
    ? headless(rest, view.importedSlices(namespace, service), lower, base)
    : virtual(rest, found, lower, base);
}

/** `rest`: what stands before the service's name, from left to right. */
function virtual(rest: readonly string[], { spec }: ImportedService, name: string, base: string): Resolution {
  const ports = spec?.ports ?? [];
  if (rest.length === 0) {
    const ips = (spec?.ips ?? []).filter((ip) => !ip.includes(':'));
    const records = ips.map((address): DnsRecord => ({ type: 'A', name, address }));
    return { exists: true, records: [...records, ...srv(name, numbers(ports), base)] };
  }
  const asked = askedPort(rest);
  return asked ? some(srv(name, numbers(ports.filter(asked)), base)) : NOTHING;
}

function headless(
  rest: readonly string[],
  slices: readonly { cluster: string; slice: EndpointSlice }[],
  name: string,
  base: string,
): Resolution {
  const hosts = slices.flatMap(({ cluster, slice }) =>
    endpointNames({ metadata: {} }, [slice]).map((endpoint) => ({ ...endpoint, cluster })),
  );
  const addresses = (found: readonly EndpointName[]): DnsRecord[] =>
    [...new Set(found.map(({ ip }) => ip))].map((address) => ({ type: 'A', name, address }));
  const services = (isAsked: (port: Port) => boolean): DnsRecord[] =>
    hosts.flatMap(({ label, cluster, ports }) =>
      srv(name, numbers(ports.filter(isAsked)), `${label}.${cluster}.${base}`),
    );
  if (rest.length === 0) return { exists: true, records: [...addresses(hosts), ...services(() => true)] };
  const asked = askedPort(rest);
  if (asked) return some(services(asked));
  const [host, cluster] = rest;
  if (rest.length !== 2) return NOTHING;
  return some(addresses(hosts.filter((each) => each.label === host && each.cluster === cluster)));
}

type Port = { name?: string; protocol?: string };
const numbers = (ports: readonly { port: number }[]): number[] => ports.map(({ port }) => port);
const some = (records: DnsRecord[]): Resolution => ({ exists: records.length > 0, records });

/** `_http._tcp` as a test of ports; undefined for other labels. */
function askedPort([port, protocol, ...more]: readonly string[]): ((candidate: Port) => boolean) | undefined {
  if (!port?.startsWith('_') || !protocol?.startsWith('_') || more.length > 0) return undefined;
  return (candidate) =>
    candidate.name === port.slice(1) && (candidate.protocol ?? 'TCP').toLowerCase() === protocol.slice(1);
}
