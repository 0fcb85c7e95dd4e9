/** Inbound routes on the wire: those attached to a Server, and those that every port has without any. */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { httpTypes, inbound, type meta } from '#api/mesh';
import type { NetworkMatch } from '../networks.ts';
import {
  EVERY_CALL,
  encodeGrpcMatch,
  encodeHost,
  encodeHttpMatch,
  encodeRedirect,
  type GrpcRouteRecord,
  type HttpRouteRecord,
  headerChanges,
  type RouteFilter,
  type RouteRecord,
} from '../routes/index.ts';
import { type AuthorizeConfig, probeAuthz, routeAuthz } from './authorize.ts';
import type { SubjectRecord } from './subjects.ts';
import type { InboundView } from './view.ts';

type HttpFilterInit = MessageInitShape<typeof inbound.HttpRoute_FilterSchema>;
type GrpcFilterInit = MessageInitShape<typeof inbound.GrpcRoute_FilterSchema>;

/** Routes by kind, in the order in which they win. */
export interface InboundRoutes {
  http: readonly inbound.HttpRoute[];
  grpc: readonly inbound.GrpcRoute[];
}

/** What is attached to a Server. Backends and time-outs count for nothing where requests arrive. */
export function attachedRoutes(
  view: InboundView,
  routes: Iterable<RouteRecord>,
  config: AuthorizeConfig,
): InboundRoutes {
  const http: inbound.HttpRoute[] = [];
  const grpc: inbound.GrpcRoute[] = [];
  for (const route of routes)
    if (route.type === 'http') http.push(httpRoute(route, routeAuthz(view, route, config)));
    else if (route.type === 'grpc') grpc.push(grpcRoute(route, routeAuthz(view, route, config)));
  return { http, grpc };
}

function httpRoute(route: HttpRouteRecord, authorizations: inbound.Authz[]): inbound.HttpRoute {
  return create(inbound.HttpRouteSchema, {
    metadata: metadataOf(route),
    hosts: route.hostnames.map(encodeHost),
    authorizations,
    rules: route.rules.map(({ matches, filters }) => ({
      matches: matches.map(encodeHttpMatch),
      filters: filters.flatMap(encodeHttpFilter),
    })),
  });
}

function grpcRoute(route: GrpcRouteRecord, authorizations: inbound.Authz[]): inbound.GrpcRoute {
  return create(inbound.GrpcRouteSchema, {
    metadata: metadataOf(route),
    hosts: route.hostnames.map(encodeHost),
    authorizations,
    rules: route.rules.map(({ matches, filters }) => ({
      matches: matches.map(encodeGrpcMatch),
      filters: filters.flatMap(encodeGrpcFilter),
    })),
  });
}

/** Inbound, a route goes without its namespace: it is the Server's. */
function metadataOf({ group, kind, name }: RouteRecord): MessageInitShape<typeof meta.MetadataSchema> {
  return { kind: { case: 'resource', value: { group, kind, name } } };
}

function encodeHttpFilter(filter: RouteFilter): HttpFilterInit[] {
  if (filter.type === 'redirect') return [{ kind: { case: 'redirect', value: encodeRedirect(filter) } }];
  return encodeGrpcFilter(filter);
}

/** Inbound, responses go back as they are: the wire has no filter of theirs. */
function encodeGrpcFilter(filter: RouteFilter): (HttpFilterInit & GrpcFilterInit)[] {
  if (filter.type !== 'request-headers') return [];
  return [{ kind: { case: 'requestHeaderModifier', value: headerChanges(filter.changes) } }];
}

const named = (name: string) => ({ kind: { case: 'default' as const, value: name } });

/** Matches everything. */
const DEFAULT_HTTP_ROUTE = create(inbound.HttpRouteSchema, {
  metadata: named('default'),
  rules: [{ matches: [{ path: { kind: { case: 'prefix', value: '/' } } }] }],
});
const DEFAULT_GRPC_ROUTE = create(inbound.GrpcRouteSchema, {
  metadata: named('default'),
  rules: [{ matches: [EVERY_CALL] }],
});

/** Of a port to which no route of the kind is attached; probes of the kubelet pass whatever the policy. */
export function defaultRoutes(
  subject: SubjectRecord,
  port: number,
  probeNetworks: readonly NetworkMatch[],
): InboundRoutes {
  const paths = subject.probes.get(port) ?? [];
  const probes = paths.length > 0 && probeNetworks.length > 0 ? [probeRoute(paths, probeNetworks)] : [];
  return { http: [DEFAULT_HTTP_ROUTE, ...probes], grpc: [DEFAULT_GRPC_ROUTE] };
}

function probeRoute(paths: readonly string[], networks: readonly NetworkMatch[]): inbound.HttpRoute {
  return create(inbound.HttpRouteSchema, {
    metadata: named('probe'),
    authorizations: probeAuthz(networks),
    rules: [
      {
        matches: paths.map((path) => ({
          path: { kind: { case: 'exact' as const, value: path } },
          method: { type: { case: 'registered' as const, value: httpTypes.HttpMethod_Registered.GET } },
        })),
      },
    ],
  });
}
