/**
 * Speaking to a Kubernetes API server: one HTTP/2 session, typed resources, faithful errors, list+watch.
 * `connect(access)` gives a {@link KubeClient}; `FakeKubeClient` is its twin in memory, for tests.
 */
export { type FakeAction, FakeKubeClient } from './client.fake.ts';
export {
  AnswerFault,
  type AnswerFaultReason,
  ApiError,
  ifFound,
  isConflict,
  isGone,
  isNotFound,
  NoAnswer,
} from './errors.ts';
export type { AnswerGuard, CollectionGuard } from './guard.ts';
export { createKubeClient } from './http-client.ts';
export type { RequestRate } from './pace.ts';
export { resourcePath } from './paths.ts';
export { matchesFields, matchesLabelSelector, matchesLabels, parseSelector } from './selectors.ts';
export { FIELD_MANAGER, type ServerAccess, type TlsMaterial } from './session.ts';
export type {
  DeleteOptions,
  KubeClient,
  LineStream,
  ListOptions,
  ObjectRef,
  Patch,
  PatchType,
  RawRequest,
  RawResponse,
  VersionInfo,
  WatchFailure,
  WatchOptions,
  WatchSink,
  WriteOptions,
} from './types.ts';
export { isOlder } from './versions.ts';
