/** Following a cluster: the watches of several collections, begun and stopped together. */
import type { Gvr, KubeObject } from '#api/kube';
import type { KubeClient, WatchSink } from '#kube/client';
import type { Collection } from './collection.ts';

/** A resource and the collection that folds it. */
export interface Watched {
  gvr: Gvr;
  /** Versions to take where that one is not served. */
  olderVersions?: readonly string[];
  labelSelector?: string;
  metadataOnly?: boolean;
  // biome-ignore lint/suspicious/noExplicitAny: collections of different records in one list.
  collection: Pick<Collection<any>, 'sink'>;
}

export interface WatchObserver {
  /** A watch failed and goes on trying; called with the first failure of a row. */
  failed(resource: string, error: Error): void;
  recovered(resource: string): void;
  /** An object was changed and came by watch. */
  received?(resource: string, object: KubeObject): void;
  /** Something of a resource came, changed or went; its collection knows it already. */
  changed?(resource: string): void;
  /** Looks on at the watch of a resource; see WatchHealth. */
  noted?<T>(resource: string, sink: WatchSink<T>): { sink: WatchSink<T>; stop(): void };
}

export interface Following {
  /** Settles when every resource was listed once; for a cluster that does not answer it stays open. */
  synced: Promise<void>;
  stop(): void;
}

/** Begins to watch. */
export function follow(
  kube: Pick<KubeClient, 'watch'>,
  watched: readonly Watched[],
  observer: WatchObserver,
): Following {
  const stops: (() => void)[] = [];
  const synced = watched.map(({ gvr, olderVersions, labelSelector, metadataOnly, collection }) => {
    let failing = false;
    return new Promise<void>((resolve) => {
      const sink = collection.sink(
        resolve,
        ({ error }) => {
          if (!failing) observer.failed(gvr.resource, error);
          failing = true;
        },
        () => {
          failing = false;
          observer.recovered(gvr.resource);
        },
      );
      const options = {
        ...(olderVersions && { olderVersions }),
        ...(labelSelector && { labelSelector }),
        ...(metadataOnly && { metadataOnly }),
      };
      const told = noting(sink, gvr.resource, observer);
      const noted = observer.noted?.(gvr.resource, told);
      stops.push(kube.watch(gvr, options, noted?.sink ?? told));
      if (noted) stops.push(noted.stop);
    });
  });
  return {
    synced: Promise.all(synced).then(() => undefined),
    stop: () => {
      for (const stop of stops) stop();
    },
  };
}

/** The sink, with the observer told of what it receives. */
function noting(sink: WatchSink<KubeObject>, resource: string, observer: WatchObserver): WatchSink<KubeObject> {
  return {
    ...sink,
    reset: (objects) => {
      sink.reset(objects);
      observer.changed?.(resource);
    },
    applied: (object) => {
      observer.received?.(resource, object);
      sink.applied(object);
      observer.changed?.(resource);
    },
    deleted: (object) => {
      sink.deleted(object);
      observer.changed?.(resource);
    },
  };
}
