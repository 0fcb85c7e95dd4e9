/** What is kept of a route, whatever its kind and group. */
import type { Gvr } from '#api/kube';

/** Kinds of routes, in the order in which they win over each other on one parent. */
export const ROUTE_TYPES = ['grpc', 'http', 'tls', 'tcp'] as const;
export type RouteType = (typeof ROUTE_TYPES)[number];

/** What a route is attached to; groups and kinds in lower case, core's group is ''. */
export interface ParentRef {
  group: string;
  kind: string;
  name: string;
  /** The route's own where none is written. */
  namespace: string;
  /** Undefined: every port. */
  port: number | undefined;
  sectionName: string | undefined;
}

/** Where a route leads. */
export interface BackendRef {
  group: string;
  kind: string;
  name: string;
  /** Undefined: none is written. */
  namespace: string | undefined;
  port: number | undefined;
  weight: number;
  filters: readonly RouteFilter[];
}

/** A text that a value has to be, or an expression that all of it has to match. */
export interface ValueMatch {
  name: string;
  type: 'exact' | 'regex';
  value: string;
}

export interface HttpMatch {
  path: { type: 'exact' | 'prefix' | 'regex'; value: string };
  headers: readonly ValueMatch[];
  query: readonly ValueMatch[];
  method: string | undefined;
}

export interface GrpcMatch {
  /** Undefined: any. */
  service: string | undefined;
  method: string | undefined;
  headers: readonly ValueMatch[];
}

export interface HeaderChanges {
  set: readonly { name: string; value: string }[];
  add: readonly { name: string; value: string }[];
  remove: readonly string[];
}

export type PathChange = { replace: 'full' | 'prefix'; value: string };

/** A part of all: `numerator` of `denominator` requests. */
export interface Share {
  numerator: number;
  denominator: number;
}

export type RouteFilter =
  | { type: 'request-headers'; changes: HeaderChanges }
  | { type: 'response-headers'; changes: HeaderChanges }
  | {
      type: 'redirect';
      scheme: string | undefined;
      host: string | undefined;
      port: number | undefined;
      path: PathChange | undefined;
      status: number;
    }
  | { type: 'rewrite'; host: string | undefined; path: PathChange | undefined }
  /** `share` undefined: every request. */
  | { type: 'mirror'; backend: BackendRef; share: Share | undefined }
  /** Of a kind that this mesh does not know. */
  | { type: 'unknown'; name: string };

export interface RouteRule<M> {
  matches: readonly M[];
  filters: readonly RouteFilter[];
  /** Undefined: none is written; what matches goes on to the parent. */
  backends: readonly BackendRef[] | undefined;
  /** Of `timeouts.request`; undefined without, 0: none. */
  requestTimeoutMs: number | undefined;
  /** What is written besides, and has no effect here. */
  ignored?: readonly IgnoredField[];
}

/** Fields of rules that other meshes may know. */
export type IgnoredField = 'retry' | 'sessionPersistence';

interface RouteBase<T extends RouteType, M> {
  type: T;
  group: 'policy.linkerd.io' | 'gateway.networking.k8s.io';
  /** As in manifests, e.g. `HTTPRoute`. */
  kind: string;
  namespace: string;
  name: string;
  createdAt: string;
  generation: number | undefined;
  /** What it was read as, in the version that is served: where its status is written. */
  gvr: Gvr;
  /** Of the version that was read, so that a status is not written over one that nobody has seen. */
  resourceVersion: string | undefined;
  /** Why the newest version cannot be read. `lastGood`: all else is of the last version that could be. */
  problem: { message: string; lastGood: boolean } | undefined;
  annotations: Readonly<Record<string, string>>;
  parents: readonly ParentRef[];
  hostnames: readonly string[];
  rules: readonly RouteRule<M>[];
  /** `status.parents` as it is stored; written by this mesh and by others. */
  status: readonly StoredParentStatus[];
}

export type HttpRouteRecord = RouteBase<'http', HttpMatch>;
export type GrpcRouteRecord = RouteBase<'grpc', GrpcMatch>;
/** Chooses by nothing but the hostnames. */
export type TlsRouteRecord = RouteBase<'tls', never>;
export type TcpRouteRecord = RouteBase<'tcp', never>;
export type RouteRecord = HttpRouteRecord | GrpcRouteRecord | TlsRouteRecord | TcpRouteRecord;

/** An entry of `status.parents`. */
export interface StoredParentStatus {
  controllerName: string;
  parentRef: Readonly<Record<string, unknown>>;
  conditions?: readonly Readonly<Record<string, unknown>>[];
}
