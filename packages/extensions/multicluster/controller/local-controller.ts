import type { LabelSelector } from '#api/kube';
import type { KubeClient } from '#kube/client';
import type { Clock } from '#runtime/clock';
import type { Log } from '#runtime/log';
import { reconcileLocal } from '../mirror/index.ts';
import { applyChanges } from './apply.ts';
import { Links } from './links.ts';
import { LocalCluster } from './local-cluster.ts';
import { LocalExports } from './local-exports.ts';
import { Loop } from './loop.ts';
import { Rewrites } from './rewrites.ts';

export interface LocalControllerOptions {
  /** Namespace of the Links. */
  namespace: string;
  federatedServiceSelector: LabelSelector;
  excludedLabels: readonly string[];
  excludedAnnotations: readonly string[];
  /** What this cluster is called in ServiceImports and names below `clusterset.local`. */
  clusterName: string;
}

/** The local cluster's part in federated services, and the clearing away after Links whose own controller is gone, too. */
export class LocalController {
  readonly #client: KubeClient;
  readonly #log: Log;
  readonly #options: LocalControllerOptions;
  readonly #local: LocalCluster;
  readonly #exports: LocalExports;
  readonly #loop: Loop;
  readonly #rewrites: Rewrites;
  readonly #links: Links;

  constructor(deps: { client: KubeClient; clock: Clock; log: Log }, options: LocalControllerOptions) {
    this.#client = deps.client;
    this.#log = deps.log;
    this.#options = options;
    this.#rewrites = new Rewrites(deps.clock);
    this.#loop = new Loop(deps.clock, deps.log, () => this.#reconcile());
    const changed = (): void => this.#loop.trigger();
    this.#local = new LocalCluster(deps.client, deps.log, changed);
    this.#exports = new LocalExports(deps, options.clusterName, changed);
    this.#links = new Links({ ...deps, changed }, { namespace: options.namespace });
  }

  stop(): void {
    this.#loop.stop();
    this.#links.stop();
    this.#exports.stop();
    this.#local.stop();
  }

  async #reconcile(): Promise<'done' | 'again'> {
    if (!this.#local.synced || !this.#exports.synced) return 'done';
    const linked = this.#links.known ? new Set(this.#links.linkedAt().keys()) : undefined;
    const changes = reconcileLocal(this.#options, this.#local, linked, this.#exports.exports);
    const { failures, conflicts } = await applyChanges(this.#local.learning(this.#client), changes, [], this.#rewrites);
    const exports = await this.#exports.reconcile(this.#local, linked, failures);
    for (const [name, message] of exports.failures) failures.set(name, message);
    for (const [name, message] of failures) this.#log.warn(message, { service: name });
    return failures.size > 0 || conflicts + exports.conflicts > 0 ? 'again' : 'done';
  }
}
