/**
 * The seams inside one lab cluster. Controllers, scheduler, kubelet, DNS and service proxy see only {@link ClusterClient};
 * the API server's streaming handlers see pods only through {@link PodRuntime}.
 */
import type { Duplex } from 'node:stream';
import type { AnyObject, Gvr, KubeObject } from '#api/kube';

export * from './api-error.ts';

export interface ListOptions {
  /** Absent: all namespaces. */
  namespace?: string;
  /** Kubernetes selector syntax, e.g. `app=web,tier!=db`. */
  labelSelector?: string;
  fieldSelector?: string;
}

export interface WatchSink<T> {
  /** The full set at the start, and again after the watch had to start over. */
  reset(objects: readonly T[]): void;
  applied(object: T, old: T | undefined): void;
  deleted(object: T): void;
}

export type PatchType = 'json' | 'merge' | 'strategic' | 'apply';

/**
 * Access to the cluster's API from inside its own process: the same defaulting, admission, validation and storage as over
 * HTTPS, without the socket. Failures reject with `ApiError` (a `Status` with code, reason and message). Objects handed out
 * are frozen shared snapshots: clone before changing.
 */
export interface ClusterClient {
  get<T extends KubeObject>(gvr: Gvr, name: string, namespace?: string): Promise<T>;
  list<T extends KubeObject>(gvr: Gvr, options?: ListOptions): Promise<{ items: T[]; resourceVersion: string }>;
  /** Starts at once; `reset` is called first, then changes in order. Returns a stop function. */
  watch<T extends KubeObject>(gvr: Gvr, options: ListOptions, sink: WatchSink<T>): () => void;
  create<T extends KubeObject>(gvr: Gvr, object: T): Promise<T>;
  /** Optimistic: a set `metadata.resourceVersion` must be current, else 409 Conflict. */
  update<T extends KubeObject>(gvr: Gvr, object: T, subresource?: 'status' | 'finalize'): Promise<T>;
  patch<T extends KubeObject>(
    gvr: Gvr,
    ref: { name: string; namespace?: string },
    patch: { type: PatchType; body: unknown; subresource?: string; fieldManager?: string; force?: boolean },
  ): Promise<T>;
  delete(
    gvr: Gvr,
    ref: { name: string; namespace?: string },
    options?: {
      gracePeriodSeconds?: number;
      propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
      preconditions?: { uid?: string; resourceVersion?: string };
    },
  ): Promise<void>;
  /**
   * POST pods/{name}/binding: assigns a pending pod to a node, sets PodScheduled=True. Rejects with Conflict when the pod has a
   * node already, is being deleted, or its uid is another one than given; with NotFound when it is gone.
   */
  bind(pod: { name: string; namespace: string; uid?: string }, nodeName: string): Promise<void>;
  /** A client that acts as another user, so that audit fields and RBAC fit: e.g. `system:serviceaccount:kube-system:x`. */
  as(user: { name: string; groups: readonly string[]; fieldManager: string }): ClusterClient;
  /** Every served resource, CRDs included; garbage collection and namespace deletion iterate it. */
  resources(): readonly ServedResource[];
  /** Called after the set of served resources changed (a CRD came or went). Returns a stop function. */
  onResourcesChanged(listener: () => void): () => void;
}

export interface ServedResource {
  gvr: Gvr;
  kind: string;
  namespaced: boolean;
  verbs: readonly string[];
}

export interface LogOptions {
  container: string;
  follow?: boolean;
  previous?: boolean;
  tailLines?: number;
  sinceSeconds?: number;
  sinceTime?: string;
  timestamps?: boolean;
  limitBytes?: number;
}

export interface ExecIo {
  stdin?: NodeJS.ReadableStream;
  stdout(chunk: Uint8Array): void;
  stderr(chunk: Uint8Array): void;
  /** Called with columns and rows whenever the client's terminal changes. */
  onResize?(listener: (columns: number, rows: number) => void): void;
  /** Called with true when the client takes output more slowly than it comes: read no more of it until called with false. */
  onPressure?(listener: (full: boolean) => void): void;
  signal: AbortSignal;
}

/** What a node can do for `kubectl logs|exec|attach|port-forward`. Implemented by the kubelet. */
export interface PodRuntime {
  logs(pod: AnyObject, options: LogOptions, write: (chunk: Uint8Array) => void, signal: AbortSignal): Promise<void>;
  exec(
    pod: AnyObject,
    options: { container: string; command: readonly string[]; stdin: boolean; tty: boolean },
    io: ExecIo,
  ): Promise<{ exitCode: number }>;
  attach(
    pod: AnyObject,
    options: { container: string; stdin: boolean; tty: boolean },
    io: ExecIo,
  ): Promise<{ exitCode: number }>;
  /** Connects to 127.0.0.1:port inside the pod's network namespace. Rejects when nothing listens there. */
  dial(pod: AnyObject, port: number): Promise<Duplex>;
}
