/** Outbound routes on the wire. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { outbound } from '#api/mesh';
import {
  encodeGrpcMatch,
  encodeHost,
  encodeHttpMatch,
  type GrpcRouteRecord,
  type HttpRouteRecord,
  hostMatch,
  type RouteRecord,
  type RouteRule,
  routeMetadata,
  type TcpRouteRecord,
  type TlsRouteRecord,
} from '../routes/index.ts';
import {
  encodeRetry,
  encodeTimeouts,
  type RetryRecord,
  readFault,
  readRetry,
  readSplit,
  readTimeouts,
  type TimeoutsMs,
} from './annotations.ts';
import { type BackendScene, distribute, type FilterWriter, resolveBackend } from './distribute.ts';
import {
  encodeFault,
  encodeGrpcFilters,
  encodeHttpFilters,
  type FilterScene,
  type GrpcFilterInit,
  grpcFailure,
  type HttpFilterInit,
  httpFailure,
} from './filters.ts';

/** What a route's translation depends on, for one parent and one proxy. */
export interface RouteScene extends BackendScene {
  /** Clients may set time-outs and retries by `l5d-*` headers. */
  allowL5dRequestHeaders: boolean;
}

export type HttpRouteInit = MessageInitShape<typeof outbound.HttpRouteSchema>;
export type GrpcRouteInit = MessageInitShape<typeof outbound.GrpcRouteSchema>;
export type TlsRouteInit = MessageInitShape<typeof outbound.TlsRouteSchema>;
export type OpaqueRouteInit = MessageInitShape<typeof outbound.OpaqueRouteSchema>;
type BytesFilterInit = MessageInitShape<typeof outbound.OpaqueRoute_FilterSchema>;

/** HTTP status and gRPC code (UNAVAILABLE) of requests to a backend that is not there. */
const INVALID_STATUS = 500;
const INVALID_CODE = 14;

export function httpRoute(route: HttpRouteRecord, scene: RouteScene): HttpRouteInit {
  const filters = filterScene(scene);
  const writer: FilterWriter<HttpFilterInit> = {
    encode: (list) => encodeHttpFilters(list, filters),
    invalid: (message) => httpFailure(INVALID_STATUS, message),
  };
  const retry = effectiveRetry(route, scene);
  const split = readSplit(route.annotations, scene.warn);
  const fault = encodeFault(readFault(route.annotations, scene.warn), scene.features, ({ status, share }) =>
    httpFailure(status, 'injected by the route', share),
  );
  return {
    metadata: routeMetadata(route),
    hosts: route.hostnames.map(encodeHost),
    rules: route.rules.map((rule) => ({
      matches: rule.matches.map(encodeHttpMatch),
      filters: [...fault, ...encodeHttpFilters(rule.filters, filters)],
      backends: distribute(rule.backends, split, scene, writer),
      timeouts: encodeTimeouts(effectiveTimeouts(route, rule, scene)),
      ...(retry && { retry: { ...encodeRetry(retry), conditions: { statusRanges: [...retry.statuses] } } }),
      allowL5dRequestHeaders: scene.allowL5dRequestHeaders,
    })),
  };
}

export function grpcRoute(route: GrpcRouteRecord, scene: RouteScene): GrpcRouteInit {
  const filters = filterScene(scene);
  const writer: FilterWriter<GrpcFilterInit> = {
    encode: (list) => encodeGrpcFilters(list, filters),
    invalid: (message) => grpcFailure(INVALID_CODE, message),
  };
  const retry = effectiveRetry(route, scene);
  const split = readSplit(route.annotations, scene.warn);
  const fault = encodeFault(readFault(route.annotations, scene.warn), scene.features, ({ status, share }) =>
    grpcFailure(codeOf(status), 'injected by the route', share),
  );
  return {
    metadata: routeMetadata(route),
    hosts: route.hostnames.map(encodeHost),
    rules: route.rules.map((rule) => ({
      matches: rule.matches.map(encodeGrpcMatch),
      filters: [...fault, ...encodeGrpcFilters(rule.filters, filters)],
      backends: distribute(rule.backends, split, scene, writer),
      timeouts: encodeTimeouts(effectiveTimeouts(route, rule, scene)),
      ...(retry && { retry: { ...encodeRetry(retry), conditions: conditionsOf(retry) } }),
      allowL5dRequestHeaders: scene.allowL5dRequestHeaders,
    })),
  };
}

/** A route of bytes takes its first rule; admission allows no second one. */
export function tcpRoute(route: TcpRouteRecord, scene: RouteScene): OpaqueRouteInit {
  return { metadata: routeMetadata(route), rules: bytesRules(route, scene) };
}

export function tlsRoute(route: TlsRouteRecord, scene: RouteScene): TlsRouteInit {
  return {
    metadata: routeMetadata(route),
    snis: route.hostnames.map((hostname) => ({ match: hostMatch(hostname) })),
    rules: bytesRules(route, scene),
  };
}

function bytesRules(route: TcpRouteRecord | TlsRouteRecord, scene: RouteScene) {
  const writer: FilterWriter<BytesFilterInit> = {
    encode: () => [],
    invalid: (message) => ({ kind: { case: 'invalid', value: { message } } }),
  };
  const split = readSplit(route.annotations, scene.warn);
  return route.rules.slice(0, 1).map((rule) => ({ backends: distribute(rule.backends, split, scene, writer) }));
}

function filterScene(scene: RouteScene): FilterScene {
  return {
    features: scene.features,
    mirrorTo: ({ backend }) => {
      const found = resolveBackend(backend, scene);
      return typeof found === 'string' ? undefined : found;
    },
  };
}

/** Annotations of the route, else those of the parent: whole groups, never mixed. A rule's own time-out counts as the route's. */
function effectiveTimeouts(
  route: RouteRecord,
  rule: RouteRule<unknown>,
  { parent, warn }: RouteScene,
): Partial<TimeoutsMs> | undefined {
  const own = readTimeouts(route.annotations, warn);
  const request = own?.request || rule.requestTimeoutMs;
  if (own || request !== undefined) return { ...own, ...(request !== undefined && { request }) };
  return readTimeouts(parent.annotations, warn);
}

function effectiveRetry(route: RouteRecord, { parent, warn }: RouteScene): RetryRecord | undefined {
  return readRetry(route.annotations, warn) ?? readRetry(parent.annotations, warn);
}

function conditionsOf({ codes }: RetryRecord) {
  return Object.fromEntries(codes.map((code) => [code, true]));
}

/** The code that a status of HTTP stands for. Source: gRPC, HTTP to gRPC status code mapping. */
function codeOf(status: number): number {
  return { 400: 13, 401: 16, 403: 7, 404: 12, 429: 14, 502: 14, 503: 14, 504: 14 }[status] ?? 2;
}
