import type { Gvr, KubeObject } from '#api/kube';
import type { KubeClient, WatchOptions, WatchSink } from '#kube/client';
import type { WatchHealth } from './health.ts';

/** A client whose watches are counted under the name of a cluster; all else is as it was. */
export function notedClient(client: KubeClient, health: WatchHealth, cluster: string): KubeClient {
  return {
    get: (...args) => client.get(...args),
    list: (...args) => client.list(...args),
    create: (...args) => client.create(...args),
    update: (...args) => client.update(...args),
    patch: (...args) => client.patch(...args),
    delete: (...args) => client.delete(...args),
    version: () => client.version(),
    raw: (...args) => client.raw(...args),
    lines: (...args) => client.lines(...args),
    close: () => client.close(),
    watch<T extends KubeObject>(gvr: Gvr, options: WatchOptions, sink: WatchSink<T>) {
      const noted = health.note(cluster, gvr.resource, sink);
      const stop = client.watch(gvr, options, noted.sink);
      return () => {
        stop();
        noted.stop();
      };
    },
  };
}
