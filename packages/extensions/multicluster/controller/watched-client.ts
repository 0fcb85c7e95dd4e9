import type { Gvr, KubeObject } from '#api/kube';
import { type Fault, faultOf } from '#control/linked';
import { ApiError, type WatchSink } from '#kube/client';
import type { RemoteClient } from './remote-cluster.ts';

/** Looks on at a watch; see WatchHealth of the control plane. */
export type Noted = <T>(resource: string, sink: WatchSink<T>) => { sink: WatchSink<T>; stop(): void };

/** The watches of one cluster, and which of them fail. */
export class WatchedClient implements RemoteClient {
  readonly #client: RemoteClient;
  readonly #noted: Noted | undefined;
  readonly #changed: () => void;
  /** Watches that fail now, in the order in which they began to. */
  readonly #failing = new Map<object, { resource: string; error: Error }>();

  /** `changed`: another watch fails, or one does no longer. */
  constructor(client: RemoteClient, noted: Noted | undefined, changed: () => void) {
    this.#client = client;
    this.#noted = noted;
    this.#changed = changed;
  }

  /** What is wrong with the cluster, by its watches: that of Services says most. */
  get fault(): Fault | undefined {
    const all = [...this.#failing.values()];
    const found = all.find(({ resource }) => resource === 'services') ?? all.find(({ error }) => !isRefusal(error));
    return found && faultOf(found.error);
  }

  watch<T extends KubeObject>(gvr: Gvr, options: Parameters<RemoteClient['watch']>[1], sink: WatchSink<T>): () => void {
    const watch = {};
    const { resource } = gvr;
    const told: WatchSink<T> = {
      ...sink,
      failed: (failure) => {
        const before = this.#failing.get(watch)?.error;
        this.#failing.set(watch, { resource, error: failure.error });
        sink.failed?.(failure);
        if (before === undefined || faultOf(before).reason !== faultOf(failure.error).reason) this.#changed();
      },
      recovered: () => {
        this.#over(watch);
        sink.recovered?.();
      },
    };
    const noted = this.#noted?.(resource, told);
    const stop = this.#client.watch(gvr, options, noted?.sink ?? told);
    return () => {
      stop();
      noted?.stop();
      this.#over(watch);
    };
  }

  create<T extends KubeObject>(...args: Parameters<RemoteClient['create']>): Promise<T> {
    return this.#client.create<T>(args[0], args[1] as T, args[2]);
  }

  raw(...args: Parameters<RemoteClient['raw']>): ReturnType<RemoteClient['raw']> {
    return this.#client.raw(...args);
  }

  close(): void {
    this.#client.close();
  }

  #over(watch: object): void {
    if (this.#failing.delete(watch)) this.#changed();
  }
}

/** Of what is not there or not shown, something else is said where it is missed. */
const isRefusal = (error: Error): boolean => error instanceof ApiError && (error.code === 403 || error.code === 404);
