/** Destination.Get: from an authority to a stream of endpoints. */
import { isIP } from 'node:net';
import { type destination, FEATURES_KEY, parseFeatures } from '#api/mesh';
import { parseAuthority, parseContextToken, parseServiceName } from '#model/names';
import { type CallContext, GrpcError, type ResponseStream } from '#runtime/grpc';
import { keyOf } from '../fold/index.ts';
import type { ClusterIndex } from './cluster/index.ts';
import type { ClusterStore } from './cluster-store.ts';
import { type DiscoveryKind, discoveryKindOf, knownKindOf } from './discovery-kind.ts';
import type { EndpointViews, EndpointWatches, Member, Wanted } from './endpoints/index.ts';
import type { Federations } from './federations.ts';
import { GetStream } from './get-stream.ts';

export interface GetDeps {
  clusterDomain: string;
  index: ClusterIndex;
  watches: EndpointWatches;
  views: EndpointViews;
  clusters: ClusterStore;
  federations: Federations;
  coalesced(): void;
}

type UpdateStream = ResponseStream<typeof destination.UpdateSchema>;

/** Serves one stream. Throws GrpcError when the authority names no service that discovery knows. */
export function serveGet(
  deps: GetDeps,
  request: destination.GetDestination,
  stream: UpdateStream,
  context: CallContext,
): void {
  const { index, clusters } = deps;
  const { host, port, instance, service } = lookUp(deps, request.path);
  const kind = discoveryKindOf(service);
  if (kind.kind === 'remote' && !clusters.has(kind.cluster))
    throw new GrpcError('NOT_FOUND', `Remote cluster not found: ${kind.cluster}`);
  if (kind.kind === 'local' && service.externalName) throw invalid(host);
  const { nodeName } = parseContextToken(request.contextToken);
  const features = parseFeatures(context.metadata(FEATURES_KEY));
  const state = new GetStream(
    {
      stream,
      views: deps.views,
      client: () => ({ nodeName, zone: index.zoneOf(nodeName), features }),
      coalesced: deps.coalesced,
    },
    port,
  );
  const federation = kind.kind === 'federated' ? deps.federations.open(service.key, () => show(kind)) : undefined;
  const show = (now: DiscoveryKind): void => {
    const members = federation?.members() ?? membersOf(deps, service.namespace, service.name, now);
    state.want({ members, ...instanceOf(deps, service.key, now, instance) });
  };
  const update = (): void => {
    const now = index.service(service.key);
    const nowKind = now ? knownKindOf(now) : kind;
    // What the endpoints come from changed altogether: the proxy asks again.
    if (nowKind?.kind !== kind.kind || (federation && !now)) stream.end();
    else show(nowKind);
  };
  const stops = [index.onNode(nodeName, () => state.changed())];
  // A local Service's own changes reach the stream through its endpoints; here only a change of kind matters.
  stops.push(index.onService(service.key, update));
  if (kind.kind === 'remote') stops.push(clusters.onChange(update));
  // Under which name a federated service knows a pod stands in slices of its own.
  if (federation && instance !== undefined) stops.push(index.onEndpoints(service.key, update));
  stream.onClose(() => {
    for (const stop of stops) stop();
    federation?.stop();
    state.close();
  });
  show(kind);
}

function lookUp(deps: GetDeps, path: string) {
  const authority = parseAuthority(path);
  if (!authority) throw invalid(path);
  if (isIP(authority.host))
    throw new GrpcError('INVALID_ARGUMENT', `IP queries not supported by Get API: host=${authority.host}`);
  const name = parseServiceName(authority.host, deps.clusterDomain);
  if (!name) throw invalid(path);
  const service = deps.index.service(keyOf(name.namespace, name.name));
  if (!service) throw new GrpcError('NOT_FOUND', `Service ${name.name}.${name.namespace} not found`);
  return { ...authority, instance: name.instance, service };
}

const invalid = (path: string) => new GrpcError('INVALID_ARGUMENT', `Invalid authority: ${path}`);

/**
 * What tells one instance from the others: its host name, and for a federated service the addresses that its own slices have under
 * that name, as DNS has it: the host name alone is that of pods in several clusters.
 */
function instanceOf(
  { index }: GetDeps,
  serviceKey: string,
  { kind }: DiscoveryKind,
  instance: string | undefined,
): Pick<Wanted, 'hostname' | 'ips'> {
  if (instance === undefined || kind !== 'federated') return { hostname: instance };
  const named = index
    .slices(serviceKey)
    .flatMap(({ endpoints }) => endpoints.filter((each) => each.hostname === instance));
  return named.length === 0
    ? { hostname: instance }
    : { hostname: undefined, ips: named.map(({ address }) => address) };
}

/** Of a Service that is no federation: itself, or the one that it mirrors, once its cluster is known. */
function membersOf(deps: GetDeps, namespace: string, name: string, kind: DiscoveryKind): Member[] {
  if (kind.kind !== 'remote') {
    const serviceKey = keyOf(namespace, name);
    return [{ id: serviceKey, watches: deps.watches, serviceKey, filtered: true }];
  }
  const remote = deps.clusters.get(kind.cluster);
  if (!remote) return [];
  const serviceKey = keyOf(namespace, kind.service);
  return [{ id: `${serviceKey}@${kind.cluster}`, watches: remote.watches, serviceKey, filtered: false }];
}
