/** The annotations of namespaces, also while the API server does not answer. */
import type { Gvr } from '#api/kube';
import { isNotFound, type KubeClient } from '#kube/client';
import type { Log } from '#runtime/log';
import { Collection, follow, type WatchHealth } from '../fold/index.ts';
import { type LookUpDeps, lookUp } from './look-up.ts';

const NAMESPACES: Gvr = { group: '', version: 'v1', resource: 'namespaces' };

export type Annotations = Readonly<Record<string, string>>;

export interface NamespacesDeps extends LookUpDeps {
  kube: Pick<KubeClient, 'get' | 'watch'>;
  health: WatchHealth;
  log: Log;
}

/**
 * Asks for a namespace each time, since pods follow it at once and a watch may be behind. What was last heard of it counts where the
 * API server can be called by nobody but calls us.
 */
export class Namespaces {
  readonly #deps: NamespacesDeps;
  readonly #known = new Collection<Annotations>(
    ({ metadata }) => metadata.annotations ?? {},
    () => {},
  );
  readonly #stop: () => void;
  #isLost = false;

  constructor(deps: NamespacesDeps) {
    const { kube, health, log } = deps;
    this.#deps = deps;
    this.#stop = follow(kube, [{ gvr: NAMESPACES, metadataOnly: true, collection: this.#known }], {
      failed: (resource, error) => {
        this.#isLost = true;
        log.warn('cannot watch the cluster', { resource, error: error.message });
      },
      recovered: (resource) => {
        this.#isLost = false;
        log.info('watching the cluster again', { resource });
      },
      noted: (resource, sink) => health.note('local', resource, sink),
    }).stop;
  }

  /** Rejects when there is no such namespace, or nobody can say whether there is. */
  async annotations(name: string): Promise<Annotations> {
    const known = this.#known.records.get(name);
    if (this.#isLost && known) return known;
    try {
      return (await lookUp(this.#deps, NAMESPACES, name)).metadata.annotations ?? {};
    } catch (error) {
      if (!known || isNotFound(error)) throw error;
      this.#deps.log.warn('taking a namespace as it was last known', { name, error: (error as Error).message });
      return known;
    }
  }

  stop(): void {
    this.#stop();
  }
}
