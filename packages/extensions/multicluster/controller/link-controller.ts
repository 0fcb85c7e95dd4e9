import { EVENTS, type KubeObject, NAMESPACES } from '#api/kube';
import { isConflict, isNotFound, type KubeClient } from '#kube/client';
import type { Clock } from '#runtime/clock';
import type { Log } from '#runtime/log';
import { CREDENTIALS, LINKS, type Link, type MirrorOutcome, type Reachability, statusPatch } from '../link/index.ts';
import {
  federatedName,
  type LinkReconciliation,
  MIRROR,
  mirrorName,
  reconcileLink,
  settingsOf,
} from '../mirror/index.ts';
import { applyChanges } from './apply.ts';
import { LocalCluster } from './local-cluster.ts';
import { Loop } from './loop.ts';
import { RemoteCluster } from './remote-cluster.ts';

export interface LinkControllerDeps {
  client: KubeClient;
  clock: Clock;
  log: Log;
  /** Makes a client of a kubeconfig's text; throws when it cannot be used. */
  connect(kubeconfig: string): Pick<KubeClient, 'watch' | 'close'>;
  /** Told whenever the remote cluster comes within reach or out of it. */
  onReachable?(cluster: string, reachable: boolean): void;
}

export interface LinkControllerOptions {
  /** Name of the Link, and namespace of Links and credentials. */
  link: string;
  namespace: string;
  enableNamespaceCreation: boolean;
}

/**
 * Keeps the local cluster in step with one Link: mirrors, memberships, status; and takes them away when the Link goes. A
 * remote cluster that cannot be reached changes nothing here but the Link's status.
 */
export class LinkController {
  readonly #deps: LinkControllerDeps;
  readonly #options: LinkControllerOptions;
  readonly #loop: Loop;
  readonly #local: LocalCluster;
  readonly #links = new Map<string, Link>();
  readonly #stopLinks: () => void;
  #linksKnown = false;
  /** The Link as last seen: what it made is cleared away by its settings. */
  #last: Link | undefined;
  #remote: { secret: string; cluster: RemoteCluster } | undefined;
  #lastReason: string | undefined;
  /** Services whose missing namespace was announced. */
  readonly #announced = new Set<string>();

  constructor(deps: LinkControllerDeps, options: LinkControllerOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#loop = new Loop(deps.clock, deps.log, () => this.#reconcile());
    const changed = (): void => this.#loop.trigger();
    this.#local = new LocalCluster(deps.client, deps.log, changed);
    const apply = (link: Link): void => void this.#links.set(link.metadata.name ?? '', link);
    this.#stopLinks = deps.client.watch<Link>(
      LINKS,
      { namespace: options.namespace },
      {
        reset: (links) => {
          this.#links.clear();
          links.forEach(apply);
          this.#linksKnown = true;
          changed();
        },
        applied: (link) => {
          apply(link);
          changed();
        },
        deleted: (link) => {
          this.#links.delete(link.metadata.name ?? '');
          changed();
        },
        failed: ({ error, attempt }) => deps.log.warn('cannot watch links', { error: error.message, attempt }),
      },
    );
  }

  stop(): void {
    this.#loop.stop();
    this.#stopLinks();
    this.#local.stop();
    this.#remote?.cluster.stop();
  }

  async #reconcile(): Promise<'done' | 'again'> {
    if (!this.#linksKnown || !this.#local.synced) return 'done';
    const link = this.#links.get(this.#options.link);
    if (link && link.metadata.deletionTimestamp === undefined) return this.#follow(link);
    this.#remote?.cluster.stop();
    this.#remote = undefined;
    return this.#clearAway(link);
  }

  async #follow(link: Link): Promise<'done' | 'again'> {
    this.#last = link;
    const remote = this.#remoteOf(link);
    const { reachability } = remote;
    if (reachability) this.#noteReachability(settingsOf(link).cluster, reachability);
    if (!remote.synced) {
      // Nothing is known of the remote cluster: what stands here stays as it is.
      if (reachability) await this.#writeStatus(link, { reachability });
      return 'done';
    }
    const wanted = reconcileLink(link, remote.services, this.#local, this.#linkTimes());
    const { failures, conflicts } = await applyChanges(this.#deps.client, wanted.changes);
    const outcomes = this.#outcomes(link, wanted, failures);
    await this.#missingNamespaces(link, [...outcomes.mirrors, ...outcomes.federated]);
    await this.#writeStatus(link, { ...outcomes, ...(reachability && { reachability }) });
    for (const [name, message] of failures) this.#deps.log.warn(message, { service: name });
    return failures.size > 0 || conflicts > 0 ? 'again' : 'done';
  }

  /** The Link is gone: without it, nothing of the remote cluster is wanted. */
  async #clearAway(deleting: Link | undefined): Promise<'done' | 'again'> {
    const link = deleting ?? this.#last ?? { metadata: { name: this.#options.link } };
    const { changes } = reconcileLink(link, new Map(), this.#local, this.#linkTimes());
    const { failures, conflicts } = await applyChanges(this.#deps.client, changes);
    if (changes.length > 0) this.#deps.log.info('cleared away after the link', { changes: changes.length });
    for (const [name, message] of failures) this.#deps.log.warn(message, { service: name });
    return failures.size > 0 || conflicts > 0 ? 'again' : 'done';
  }

  #remoteOf(link: Link): RemoteCluster {
    const secret = link.spec?.clusterCredentialsSecret || CREDENTIALS.secretName(settingsOf(link).cluster);
    if (this.#remote?.secret === secret) return this.#remote.cluster;
    this.#remote?.cluster.stop();
    const { client, connect } = this.#deps;
    const cluster = new RemoteCluster(
      { name: secret, namespace: this.#options.namespace },
      { client, connect, changed: () => this.#loop.trigger() },
    );
    this.#remote = { secret, cluster };
    return cluster;
  }

  #noteReachability(cluster: string, { reachable, reason, message }: Reachability): void {
    this.#deps.onReachable?.(cluster, reachable);
    if (this.#lastReason === reason) return;
    this.#lastReason = reason;
    if (reachable) this.#deps.log.info('the remote cluster is within reach', { cluster });
    else this.#deps.log.warn('the remote cluster is out of reach; what it gave stays', { cluster, reason, message });
  }

  #linkTimes(): Map<string, string> {
    const times = new Map<string, string>();
    for (const link of this.#links.values()) times.set(settingsOf(link).cluster, link.metadata.creationTimestamp ?? '');
    return times;
  }

  /** An outcome whose write failed says so. */
  #outcomes(link: Link, wanted: LinkReconciliation, failures: Map<string, string>) {
    const { cluster } = settingsOf(link);
    const corrected = (outcomes: MirrorOutcome[], localName: (name: string) => string): MirrorOutcome[] =>
      outcomes.map((outcome) => {
        const { namespace, name } = outcome;
        const message = failures.get(`${namespace}/${localName(name)}`);
        return message === undefined ? outcome : { namespace, name, reason: 'Error', message };
      });
    return {
      mirrors: corrected(wanted.mirrors, (name) => mirrorName(name, cluster)),
      federated: corrected(wanted.federated, federatedName),
    };
  }

  async #writeStatus(link: Link, wanted: Parameters<typeof statusPatch>[1]): Promise<void> {
    const nowIso = new Date(this.#deps.clock.wallMs()).toISOString().replace(/\.\d+Z$/, 'Z');
    const body = statusPatch(link.status, wanted, nowIso);
    if (!body) return;
    try {
      await this.#deps.client.patch<Link>(
        LINKS,
        { name: this.#options.link, namespace: this.#options.namespace },
        { type: 'merge', body, subresource: 'status' },
      );
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  async #missingNamespaces(link: Link, outcomes: readonly MirrorOutcome[]): Promise<void> {
    const missing = outcomes.filter(({ reason }) => reason === 'MissingNamespace');
    const keys = new Set(missing.map(({ namespace, name }) => `${namespace}/${name}`));
    for (const key of this.#announced) if (!keys.has(key)) this.#announced.delete(key);
    for (const outcome of missing) {
      if (this.#options.enableNamespaceCreation) await this.#createNamespace(link, outcome.namespace);
      else this.#announce(link, outcome);
    }
  }

  async #createNamespace(link: Link, name: string): Promise<void> {
    const labels = { [MIRROR.mirroredService]: 'true', [MIRROR.clusterName]: settingsOf(link).cluster };
    try {
      await this.#deps.client.create<KubeObject>(NAMESPACES, {
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name, labels },
      });
    } catch (error) {
      if (!isConflict(error)) throw error;
    }
  }

  /** An event on the Link, once for each Service; the log says it, too. Events are best effort. */
  #announce(link: Link, { namespace, name }: MirrorOutcome): void {
    const key = `${namespace}/${name}`;
    if (this.#announced.has(key)) return;
    this.#announced.add(key);
    const { client, clock, log } = this.#deps;
    const message = `Skipped mirroring service ${key}: namespace does not exist`;
    log.warn(message);
    const time = new Date(clock.wallMs()).toISOString().replace(/\.\d+Z$/, 'Z');
    const event = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { generateName: `${this.#options.link}.`, namespace: this.#options.namespace },
      involvedObject: {
        apiVersion: 'multicluster.linkerd.io/v1alpha3',
        kind: 'Link',
        name: this.#options.link,
        namespace: this.#options.namespace,
        ...(link.metadata.uid !== undefined && { uid: link.metadata.uid }),
      },
      type: 'Normal',
      reason: 'ServiceMirroringSkipped',
      message,
      source: { component: `linkerd-service-mirror-${this.#options.link}` },
      firstTimestamp: time,
      lastTimestamp: time,
      count: 1,
    };
    client
      .create<KubeObject>(EVENTS, event)
      .catch((error: Error) => log.debug('cannot record an event', { error: error.message }));
  }
}
