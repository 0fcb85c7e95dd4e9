import {
  addressesOf,
  type EndpointAddress,
  type EndpointPort,
  type EndpointSubset,
  isReady,
  type Pod,
  type Service,
  targetPortOf,
} from '../../kinds/index.ts';
import { canonicalJson } from '../hash.ts';
import { hostnameOf, isHeadless, targetOf } from './services.ts';

/** Addresses that an Endpoints object holds at most; the rest is cut, as its annotation then says. */
export const ADDRESSES_MAX = 1000;

interface Entry {
  address: EndpointAddress;
  ready: boolean;
  port: EndpointPort | undefined;
}

/**
 * The subsets of a Service over its pods: addresses with the same set of ports share a subset; everything is sorted, so that the
 * same cluster gives the same object.
 */
export function subsetsOf(service: Service, pods: readonly Pod[]): EndpointSubset[] {
  const entries = pods.flatMap((pod) => entriesOf(service, pod));
  const byAddress = Map.groupBy(entries, ({ address, ready }) => canonicalJson([address, ready]));
  const rows = [...byAddress.values()].map((same) => ({
    ...same[0]!,
    ports: uniquePorts(same.flatMap(({ port }) => (port ? [port] : []))),
  }));
  const byPorts = Map.groupBy(rows, ({ ports }) => canonicalJson(ports));
  const subsets = [...byPorts].sort(([a], [b]) => (a < b ? -1 : 1));
  return subsets.map(([, same]) => subset(same));
}

/** The number of addresses in subsets, ready or not. */
export const countAddresses = (subsets: readonly EndpointSubset[]): number =>
  subsets.reduce(
    (sum, { addresses = [], notReadyAddresses = [] }) => sum + addresses.length + notReadyAddresses.length,
    0,
  );

/** Cuts subsets down to {@link ADDRESSES_MAX}, unready addresses first. */
export function truncated(subsets: readonly EndpointSubset[]): EndpointSubset[] {
  let left = ADDRESSES_MAX;
  const take = (list: readonly EndpointAddress[] | undefined): EndpointAddress[] => {
    const taken = (list ?? []).slice(0, left);
    left -= taken.length;
    return taken;
  };
  const ready = subsets.map(({ addresses }) => take(addresses));
  const unready = subsets.map(({ notReadyAddresses }) => take(notReadyAddresses));
  return subsets.map((each, at) => withAddresses(ready[at] ?? [], unready[at] ?? [], each.ports));
}

function entriesOf(service: Service, pod: Pod): Entry[] {
  const { publishNotReadyAddresses = false, ports = [] } = service.spec;
  if (pod.metadata.deletionTimestamp && !publishNotReadyAddresses) return [];
  const family = service.spec.ipFamilies?.[0] === 'IPv6' ? 'IPv6' : 'IPv4';
  const [ip] = addressesOf(pod, family);
  if (!ip) return [];
  const hostname = hostnameOf(pod, service);
  const { nodeName } = pod.spec;
  const address: EndpointAddress = {
    ip,
    ...(hostname && { hostname }),
    ...(nodeName && { nodeName }),
    targetRef: targetOf(pod),
  };
  const ready = publishNotReadyAddresses || isReady(pod);
  if (isHeadless(service) && ports.length === 0) return [{ address, ready, port: undefined }];
  return ports.flatMap((servicePort) => {
    const port = targetPortOf(pod, servicePort);
    if (port === undefined) return [];
    const { name, protocol = 'TCP', appProtocol } = servicePort;
    return [{ address, ready, port: { ...(name && { name }), port, protocol, ...(appProtocol && { appProtocol }) } }];
  });
}

function uniquePorts(ports: readonly EndpointPort[]): EndpointPort[] {
  const unique = new Map(ports.map((port) => [canonicalJson(port), port]));
  return [...unique].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, port]) => port);
}

function subset(rows: readonly { address: EndpointAddress; ready: boolean; ports: EndpointPort[] }[]): EndpointSubset {
  const addresses = (ready: boolean): EndpointAddress[] =>
    rows
      .filter((row) => row.ready === ready)
      .map((row) => row.address)
      .sort((a, b) =>
        a.ip === b.ip ? (a.targetRef?.uid ?? '').localeCompare(b.targetRef?.uid ?? '') : a.ip < b.ip ? -1 : 1,
      );
  return withAddresses(addresses(true), addresses(false), rows[0]?.ports);
}

const withAddresses = (
  addresses: EndpointAddress[],
  notReadyAddresses: EndpointAddress[],
  ports: EndpointPort[] | undefined,
): EndpointSubset => ({
  ...(addresses.length > 0 && { addresses }),
  ...(notReadyAddresses.length > 0 && { notReadyAddresses }),
  ...(ports && ports.length > 0 && { ports }),
});
