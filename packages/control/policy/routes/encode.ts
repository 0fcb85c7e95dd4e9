/** The wire forms that routes of both directions share. */
import { create } from '@bufbuild/protobuf';
import { grpcRoute, httpRoute, httpTypes, meta } from '#api/mesh';
import type {
  GrpcMatch,
  HeaderChanges,
  HttpMatch,
  PathChange,
  RouteFilter,
  RouteRecord,
  Share,
  ValueMatch,
} from './record.ts';

const UTF8 = new TextEncoder();

/** What a route is called in metrics and logs. */
export function routeMetadata({ group, kind, namespace, name }: RouteRecord): meta.Metadata {
  return create(meta.MetadataSchema, { kind: { case: 'resource', value: { group, kind, namespace, name } } });
}

/** `a.b` or `*.b`. */
export function encodeHost(hostname: string): httpRoute.HostMatch {
  return create(httpRoute.HostMatchSchema, { match: hostMatch(hostname) });
}

/** For SNI and for hosts the same form: a whole name, or the labels behind `*.` from the last to the first. */
export function hostMatch(hostname: string) {
  return hostname.startsWith('*.')
    ? ({ case: 'suffix', value: { reverseLabels: hostname.slice(2).split('.').reverse() } } as const)
    : ({ case: 'exact', value: hostname } as const);
}

export function encodeHttpMatch({ path, headers, query, method }: HttpMatch): httpRoute.HttpRouteMatch {
  return create(httpRoute.HttpRouteMatchSchema, {
    path: { kind: { case: path.type, value: path.value } },
    headers: headers.map(encodeHeader),
    queryParams: query.map(({ name, type, value }) => ({ name, value: { case: type, value } })),
    ...(method !== undefined && { method: encodeMethod(method) }),
  });
}

/** '' is any service and any method. It is always said: Linkerd's proxy refuses a whole policy for a match without `rpc`. */
export function encodeGrpcMatch({ service = '', method = '', headers }: GrpcMatch): grpcRoute.GrpcRouteMatch {
  return create(grpcRoute.GrpcRouteMatchSchema, { rpc: { service, method }, headers: headers.map(encodeHeader) });
}

/** The match of every call. */
export const EVERY_CALL = encodeGrpcMatch({ service: undefined, method: undefined, headers: [] });

function encodeHeader({ name, type, value }: ValueMatch): httpRoute.HeaderMatch {
  return create(httpRoute.HeaderMatchSchema, {
    name: name.toLowerCase(),
    value: type === 'regex' ? { case: 'regex', value } : { case: 'exact', value: UTF8.encode(value) },
  });
}

function encodeMethod(method: string): httpTypes.HttpMethod {
  const registered = httpTypes.HttpMethod_Registered[method as keyof typeof httpTypes.HttpMethod_Registered];
  return create(httpTypes.HttpMethodSchema, {
    type:
      registered === undefined ? { case: 'unregistered', value: method } : { case: 'registered', value: registered },
  });
}

/** Fields of both header modifiers. */
export function headerChanges({ set, add, remove }: HeaderChanges) {
  const headers = (list: HeaderChanges['set']) => ({
    headers: list.map(({ name, value }) => ({ name: name.toLowerCase(), value: UTF8.encode(value) })),
  });
  return { set: headers(set), add: headers(add), remove: [...remove] };
}

export function encodeRedirect(filter: RouteFilter & { type: 'redirect' }): httpRoute.RequestRedirect {
  const { scheme, host, port, path, status } = filter;
  return create(httpRoute.RequestRedirectSchema, {
    ...(scheme !== undefined && { scheme: encodeScheme(scheme) }),
    host: host ?? '',
    ...(path && { path: encodePath(path) }),
    port: port ?? 0,
    status,
  });
}

function encodeScheme(scheme: string): httpTypes.Scheme {
  const registered = { http: httpTypes.Scheme_Registered.HTTP, https: httpTypes.Scheme_Registered.HTTPS }[scheme];
  return create(httpTypes.SchemeSchema, {
    type:
      registered === undefined ? { case: 'unregistered', value: scheme } : { case: 'registered', value: registered },
  });
}

export function encodePath({ replace, value }: PathChange): httpRoute.PathModifier {
  return create(httpRoute.PathModifierSchema, { replace: { case: replace, value } });
}

export function encodeShare(share: Share): httpRoute.Ratio {
  return create(httpRoute.RatioSchema, share);
}
