/** Destination.Get: from an authority to a stream of endpoints. */
import { isIP } from 'node:net';
import { type destination, FEATURES_KEY, parseFeatures } from '#api/mesh';
import { parseAuthority, parseContextToken, parseServiceName } from '#model/names';
import { type CallContext, GrpcError, type ResponseStream } from '#runtime/grpc';
import { keyOf } from '../fold/index.ts';
import type { ClusterIndex, ServiceRecord } from './cluster/index.ts';
import type { ClusterStore } from './cluster-store.ts';
import { type DiscoveryKind, discoveryKindOf } from './discovery-kind.ts';
import type { EndpointViews, EndpointWatches, Member } from './endpoints/index.ts';
import { GetStream } from './get-stream.ts';

export interface GetDeps {
  clusterDomain: string;
  index: ClusterIndex;
  watches: EndpointWatches;
  views: EndpointViews;
  clusters: ClusterStore;
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
    { port, hostname: instance },
  );
  const update = (): void => {
    const now = index.service(service.key);
    const nowKind = now ? safeKindOf(now) : kind;
    // What the endpoints come from changed altogether: the proxy asks again.
    if (nowKind?.kind !== kind.kind || (kind.kind === 'federated' && !now)) stream.end();
    else state.setMembers(membersOf(deps, service, nowKind));
  };
  const stops = [index.onNode(nodeName, () => state.changed())];
  // A local Service's own changes reach the stream through its endpoints; here only a change of kind matters.
  stops.push(index.onService(service.key, update));
  if (kind.kind !== 'local') stops.push(clusters.onChange(update));
  stream.onClose(() => {
    for (const stop of stops) stop();
    state.close();
  });
  state.setMembers(membersOf(deps, service, kind));
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

function safeKindOf(service: ServiceRecord): DiscoveryKind | undefined {
  try {
    return discoveryKindOf(service);
  } catch {
    return undefined; // the stream ends; asking again gets the error
  }
}

/** The members whose clusters are known by now; others join when they are. */
function membersOf(deps: GetDeps, service: ServiceRecord, kind: DiscoveryKind): Member[] {
  const home = (name: string): Member => ({
    id: keyOf(service.namespace, name),
    watches: deps.watches,
    serviceKey: keyOf(service.namespace, name),
    filtered: true,
  });
  const away = ({ cluster, service: name }: { cluster: string; service: string }): Member[] => {
    const remote = deps.clusters.get(cluster);
    if (!remote) return [];
    const serviceKey = keyOf(service.namespace, name);
    return [{ id: `${serviceKey}@${cluster}`, watches: remote.watches, serviceKey, filtered: false }];
  };
  if (kind.kind === 'local') return [home(service.name)];
  if (kind.kind === 'remote') return away(kind);
  return [...(kind.local ? [home(kind.local)] : []), ...kind.remotes.flatMap(away)];
}
