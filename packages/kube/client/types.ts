import type { Gvr, KubeObject } from '#api/kube';

/** What to list or watch. Without `namespace`: all namespaces. */
export interface ListOptions {
  namespace?: string;
  /** Kubernetes selector syntax, e.g. `app=web,tier!=db`. */
  labelSelector?: string;
  fieldSelector?: string;
  /** Ask for metadata alone (PartialObjectMetadata): for nodes, replica sets, jobs. */
  metadataOnly?: boolean;
}

export interface WatchOptions extends ListOptions {
  /**
   * Versions to take where the first one is not served, the earlier the better. Which one is served is found out again whenever the
   * watch starts over; objects say it in `apiVersion`.
   */
  olderVersions?: readonly string[];
}

/** Why a watch is not up to date, and when it will try again. */
export interface WatchFailure {
  error: Error;
  /** Failures in a row, from 1. */
  attempt: number;
  retryInMs: number;
}

/** Receives a watch: the full set, then changes in order. Never called again after stop. */
export interface WatchSink<T> {
  /** The full set at the start, and again after the watch had to start over. */
  reset(objects: readonly T[]): void;
  applied(object: T): void;
  deleted(object: T): void;
  /** Called on each failed attempt; the watch goes on trying for ever, with a capped backoff. */
  failed?(failure: WatchFailure): void;
  /** Called when events flow again after failures. */
  recovered?(): void;
}

export type PatchType = 'json' | 'merge' | 'strategic' | 'apply';

export interface ObjectRef {
  name: string;
  namespace?: string;
}

export interface WriteOptions {
  /** Validate and admit, but store nothing. */
  dryRun?: boolean;
  fieldManager?: string;
}

export interface Patch extends WriteOptions {
  type: PatchType;
  body: unknown;
  subresource?: string;
  /** For `apply`: take over fields of other managers. */
  force?: boolean;
}

export interface DeleteOptions {
  gracePeriodSeconds?: number;
  propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
  preconditions?: { uid?: string; resourceVersion?: string };
}

/** Answer of GET /version. */
export interface VersionInfo {
  major: string;
  minor: string;
  /** E.g. `v1.34.4+lab`. */
  gitVersion: string;
  [field: string]: string;
}

export interface RawRequest {
  method?: string;
  body?: string | Uint8Array;
  contentType?: string;
  accept?: string;
  timeoutMs?: number;
}
export interface RawResponse {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** An answer that is read as it comes. `done` rejects when it broke off, resolves at its end and after `stop`. */
export interface LineStream {
  done: Promise<void>;
  stop(): void;
}

/**
 * Access to a cluster's API. Failures reject with `ApiError`. Objects of lists and watches are shared: clone before
 * changing. Items of lists carry `apiVersion` and `kind`, although the API leaves them out.
 */
export interface KubeClient {
  get<T extends KubeObject>(gvr: Gvr, name: string, namespace?: string): Promise<T>;
  list<T extends KubeObject>(gvr: Gvr, options?: ListOptions): Promise<{ items: T[]; resourceVersion: string }>;
  /** Starts at once; `reset` comes first, then changes in order. Returns a stop function. */
  watch<T extends KubeObject>(gvr: Gvr, options: WatchOptions, sink: WatchSink<T>): () => void;
  create<T extends KubeObject>(gvr: Gvr, object: T, options?: WriteOptions): Promise<T>;
  /** Optimistic: a set `metadata.resourceVersion` must be current, else 409 Conflict. */
  update<T extends KubeObject>(gvr: Gvr, object: T, subresource?: 'status' | 'finalize'): Promise<T>;
  patch<T extends KubeObject>(gvr: Gvr, ref: ObjectRef, patch: Patch): Promise<T>;
  delete(gvr: Gvr, ref: ObjectRef, options?: DeleteOptions): Promise<void>;
  version(): Promise<VersionInfo>;
  /** Any path, e.g. `/apis`; resolves whatever the status is, rejects only when no answer came. */
  raw(path: string, request?: RawRequest): Promise<RawResponse>;
  /** A GET whose answer comes line by line for as long as it lasts, e.g. a pod's log with `follow=true`. */
  lines(path: string, line: (text: string) => void): LineStream;
  /** Ends all watches and the session. */
  close(): void;
}
