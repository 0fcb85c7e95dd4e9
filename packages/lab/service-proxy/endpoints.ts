import type { Endpoint, EndpointSlice, Service, ServicePort } from '#api/kube';

/** One address and port that a Service port leads to. */
export interface Backend {
  ip: string;
  port: number;
  isLocal: boolean;
}

/** The node for which rules are made. */
export interface ProxyNode {
  name: string;
  ip: string;
  zone: string;
  podCidr: string;
}

/** The label that ties a slice to its Service. */
export const SERVICE_NAME_LABEL = 'kubernetes.io/service-name';

interface Candidate extends Backend {
  endpoint: Endpoint;
}

/**
 * The endpoints of one Service port as a node should use them: ready ones; when there are none, those that still serve while
 * they end; narrowed to the node's zone when every endpoint carries hints.
 */
export function backendsOf(
  service: Service,
  port: ServicePort,
  slices: readonly EndpointSlice[],
  node: ProxyNode,
): Backend[] {
  const all = slices
    .filter(({ addressType }) => addressType === 'IPv4')
    .flatMap((slice) => candidatesOf(slice, port, node));
  const ready = all.filter(({ endpoint }) => endpoint.conditions?.ready !== false);
  const ending = all.filter(
    ({ endpoint }) => endpoint.conditions?.serving === true && endpoint.conditions.terminating === true,
  );
  const usable = hinted(service, ready.length > 0 ? ready : ending, node);
  const unique = new Map(usable.map((backend) => [`${backend.ip}:${backend.port}`, backend]));
  return [...unique.values()]
    .map(({ ip, port: number, isLocal }) => ({ ip, port: number, isLocal }))
    .sort((a, b) => (a.ip === b.ip ? a.port - b.port : a.ip < b.ip ? -1 : 1));
}

function candidatesOf(slice: EndpointSlice, port: ServicePort, node: ProxyNode): Candidate[] {
  const found = slice.ports?.find(
    ({ name = '', protocol = 'TCP' }) => name === (port.name ?? '') && protocol === (port.protocol ?? 'TCP'),
  );
  const number = found?.port;
  if (number === undefined) return [];
  return slice.endpoints.flatMap((endpoint) =>
    endpoint.addresses
      .slice(0, 1)
      .map((ip) => ({ ip, port: number, isLocal: endpoint.nodeName === node.name, endpoint })),
  );
}

/** Zone and node hints hold only when every endpoint has one and at least one fits. */
function hinted(service: Service, candidates: readonly Candidate[], node: ProxyNode): readonly Candidate[] {
  if (service.spec?.internalTrafficPolicy === 'Local' || service.spec?.externalTrafficPolicy === 'Local')
    return candidates;
  const forNode = fitting(candidates, ({ hints }) => hints?.forNodes, node.name);
  return forNode ?? fitting(candidates, ({ hints }) => hints?.forZones, node.zone) ?? candidates;
}

function fitting(
  candidates: readonly Candidate[],
  hintsOf: (endpoint: Endpoint) => readonly { name: string }[] | undefined,
  name: string,
): readonly Candidate[] | undefined {
  if (candidates.length === 0 || !candidates.every(({ endpoint }) => hintsOf(endpoint)?.length)) return undefined;
  const fits = candidates.filter(({ endpoint }) => hintsOf(endpoint)?.some((hint) => hint.name === name));
  return fits.length > 0 ? fits : undefined;
}
