/**
 * Routes of all kinds (HTTPRoute of both groups, GRPCRoute, TLSRoute, TCPRoute): read into one form, found by parent and backend,
 * and the parts of their wire form that both directions share.
 */
export { filterName, type Objection, type ParentProblem } from './accept.ts';
export { type Attachment, inOrder, PARENT_KINDS, type ParentKind, parentKind } from './attach.ts';
export {
  type BackendParent,
  type BackendProblem,
  backendNamespace,
  backendProblem,
  isEgressBackend,
} from './backends.ts';
export {
  EVERY_CALL,
  encodeGrpcMatch,
  encodeHost,
  encodeHttpMatch,
  encodePath,
  encodeRedirect,
  encodeShare,
  headerChanges,
  hostMatch,
  routeMetadata,
} from './encode.ts';
export { type RouteProblem, Routes } from './fold.ts';
export { ROUTE_SOURCES, type RouteSource, readRoute } from './read.ts';
export type * from './record.ts';
