import { type KubeObject, NAMESPACES } from '#api/kube';
import { type FaultName, faultMessage, type LinkedObserver } from '#control/linked';
import { isConflict, type KubeClient, type WatchSink } from '#kube/client';
import type { Clock } from '#runtime/clock';
import type { Log } from '#runtime/log';
import type { Random } from '#runtime/random';
import {
  CREDENTIALS,
  type Link,
  type MirrorOutcome,
  type Reachability,
  readGateway,
  selectorText,
  type WantedStatus,
} from '../link/index.ts';
import { servicesWithPodNames } from '../mcs/index.ts';
import {
  API_SERVER,
  clearProbe,
  concernsLink,
  type EndpointsChange,
  federatedName,
  type GatewayScene,
  type LinkReconciliation,
  MIRROR,
  reconcileLink,
  reconcileProbe,
  serviceKey,
  settingsOf,
} from '../mirror/index.ts';
import { Announcer } from './announcer.ts';
import { applyChanges, begunElsewhere } from './apply.ts';
import { Gateway, type GatewayMetrics } from './gateway.ts';
import { ImportedSlices } from './imported-slices.ts';
import { LinkFacts, type LinkFactsDeps } from './link-facts.ts';
import { Links } from './links.ts';
import { LocalCluster } from './local-cluster.ts';
import { Loop } from './loop.ts';
import { type RemoteClient, RemoteCluster, type RemoteSource } from './remote-cluster.ts';
import { Rewrites } from './rewrites.ts';
import { StatusWriter } from './status-writer.ts';
import { Trust, type TrustPlaces } from './trust.ts';

export interface LinkControllerDeps {
  client: KubeClient;
  clock: Clock;
  log: Log;
  /** Makes a client of a kubeconfig's text; throws when it cannot be used. */
  connect(kubeconfig: string, observer: LinkedObserver): RemoteClient;
  /** Looks on at a watch of the cluster named. */
  noted?<T>(cluster: string, resource: string, sink: WatchSink<T>): { sink: WatchSink<T>; stop(): void };
  random: Random;
  /** IP addresses of a host name; rejects when it has none. */
  lookup(host: string): Promise<readonly string[]>;
  /** GET of a URL; rejects unless the answer is 200. */
  probe(url: string, timeoutMs: number): Promise<void>;
  /** Counts what happens to the gateway of a cluster. */
  gatewayMetrics?(cluster: string): GatewayMetrics;
  /** Told whether the remote cluster is within reach, and of what is wrong with it. */
  onReachable?(cluster: string, reachable: boolean, faults: ReadonlySet<FaultName>): void;
}

export interface LinkControllerOptions {
  /** Name of the Link, and namespace of Links and credentials. */
  link: string;
  namespace: string;
  enableNamespaceCreation: boolean;
  /** Mirror headless services that go through the gateway host by host. */
  enableHeadlessServices: boolean;
  /** How often addresses of the gateway are looked up, and all Endpoints with them. */
  endpointRefreshMs: number;
  /** Service, in the same namespace, through which the gateway is probed; undefined: it is not. */
  probeService: string | undefined;
  /** How often a failed write is tried again almost at once, before the pauses grow. */
  requeueLimit: number;
  /** Where the destination service has its credentials of linked clusters. */
  controlNamespace: string;
  /** Share of its life after which a bound token is renewed. */
  renewTokenAt: number;
}

/**
 * Keeps the local cluster in step with one Link: mirrors, memberships, status; and takes them away when the Link goes. A
 * remote cluster that cannot be reached changes nothing here but the Link's status.
 */
export class LinkController {
  readonly #deps: LinkControllerDeps;
  readonly #options: LinkControllerOptions;
  readonly #loop: Loop;
  /** As much of the local cluster as the Link's has to do with. */
  #local: { cluster: string; view: LocalCluster } | undefined;
  /** What is to be done about federated Services, as of the last reconciliation. */
  #joins: LinkReconciliation['joins'] = new Map();
  readonly #links: Links;
  /** The Link as last seen: what it made is cleared away by its settings. */
  #last: Link | undefined;
  #remote: { source: string; cluster: RemoteCluster } | undefined;
  #gateway: { source: string; gateway: Gateway } | undefined;
  readonly #slices: ImportedSlices;
  #lastReason: string | undefined;
  readonly #announcer: Announcer;
  readonly #rewrites: Rewrites;
  readonly #trust: Trust;
  readonly #facts: LinkFacts;
  readonly #status: StatusWriter;

  constructor(deps: LinkControllerDeps, options: LinkControllerOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#loop = new Loop(deps.clock, deps.log, () => this.#reconcile(), options.requeueLimit);
    this.#rewrites = new Rewrites(deps.clock);
    this.#trust = new Trust({ client: deps.client, clock: deps.clock, changed: () => this.#loop.trigger() });
    this.#announcer = new Announcer({ ...deps, component: `linkerd-service-mirror-${options.link}` });
    const changed = (): void => this.#loop.trigger();
    this.#slices = new ImportedSlices(deps, changed);
    const { client, clock, log } = deps;
    const { link: name, namespace, controlNamespace, renewTokenAt: renewAt } = options;
    const linksChanged = (): void => {
      if (this.#links.ownKnown) this.#localOf(this.#links.own ?? this.#lastOrNone());
      changed();
    };
    this.#links = new Links({ client, clock, log, changed: linksChanged }, { namespace, own: name });
    const tell: LinkFactsDeps['tell'] = (type, reason, message) => {
      if (this.#last) this.#announcer.tell(this.#last, { type, reason, message });
    };
    const counted = (): void => this.#status.nudge();
    this.#facts = new LinkFacts(
      { client, clock, log, changed, counted, tell },
      { namespace, controlNamespace, renewAt },
    );
    this.#status = new StatusWriter(
      {
        client,
        clock,
        log,
        current: () => this.#links.own,
        written: (before, after) => this.#links.written(before, after),
      },
      { name, namespace },
    );
  }

  stop(): void {
    this.#loop.stop();
    this.#links.stop();
    this.#local?.view.stop();
    this.#slices.stop();
    this.#letGo();
    this.#facts.stop();
    this.#status.stop();
  }

  async #reconcile(): Promise<'done' | 'again'> {
    if (!this.#links.ownKnown) return 'done';
    const { own: link } = this.#links;
    const local = this.#localOf(link ?? this.#lastOrNone());
    if (!local.synced || !this.#links.known) return 'done';
    if (link && link.metadata.deletionTimestamp === undefined) return this.#follow(link, local);
    this.#letGo();
    this.#status.stop();
    return this.#clearAway(link, local);
  }

  async #follow(link: Link, local: LocalCluster): Promise<'done' | 'again'> {
    this.#last = link;
    const holder = this.#links.holderOf(settingsOf(link).cluster);
    if (holder !== this.#options.link) return this.#standBack(link, holder ?? '');
    const gateway = this.#gatewayOf(link);
    const remote = this.#remoteOf(link, gateway !== undefined);
    const { cluster } = settingsOf(link);
    const isOwn = isSameCluster(remote, local);
    const reachability = isOwn ? ownCluster(link) : remote.reachability;
    const { content } = remote;
    if (reachability) this.#noteReachability(link, reachability, content !== 'none');
    this.#facts.contact(cluster, secretOf(link), remote);
    this.#trust.follow(reachability?.reachable ? remote.client : undefined, this.#trustPlaces(link));
    const { finding: trust } = this.#trust;
    const about = {
      ...(reachability && { reachability }),
      ...(trust && { trust }),
      gateway: gateway?.finding ?? ('none' as const),
      content,
    };
    if (!remote.synced || isOwn || gateway?.known === false) {
      // Too little is known of the remote cluster: what stands here stays as it is.
      if (reachability)
        await this.#status.put(() => this.#facts.complete(about, cluster, remote, this.#links.otherNetworks()));
      return 'done';
    }
    const scene = this.#scene(gateway, remote);
    const wanted = reconcileLink(link, remote.services, local, this.#links.linkedAt(), scene, remote.exports);
    this.#joins = wanted.joins;
    const endpoints = [...wanted.endpoints, ...this.#probeChanges(cluster, gateway, local)];
    const client = local.learning(this.#deps.client);
    const changes = begunElsewhere(wanted.changes, cluster);
    const { failures, conflicts } = await applyChanges(client, changes, endpoints, this.#rewrites, wanted.joins);
    this.#facts.dialled(wanted.direct, remote);
    const { services } = local;
    const seen = remote.followSlices(servicesWithPodNames(services.values(), cluster));
    const slices = await this.#slices.apply(cluster, remote.services, seen, services);
    for (const [name, message] of slices.failures) failures.set(name, message);
    this.#announcer.skipped(link, this.#announced([...wanted.mirrors, ...wanted.federated]), remote.client);
    if (this.#options.enableNamespaceCreation) await this.#createNamespaces(link, wanted);
    const said = { ...this.#outcomes(wanted, failures), ...about };
    await this.#status.put(() => this.#facts.complete(said, cluster, remote, this.#links.otherNetworks()));
    for (const [name, message] of failures) this.#deps.log.warn(message, { service: name });
    return failures.size > 0 || conflicts + slices.conflicts > 0 ? 'again' : 'done';
  }

  /** Watches what this Link has to do with; anew where it names another cluster than before. */
  #localOf(link: Link): LocalCluster {
    const { cluster } = settingsOf(link);
    if (this.#local?.cluster === cluster) return this.#local.view;
    this.#local?.view.stop();
    this.#joins = new Map();
    const { client, log } = this.#deps;
    const view = new LocalCluster(client, log, () => this.#loop.trigger(), {
      cluster,
      concerns: (now, before) => this.#loop.isDue || concernsLink(cluster, this.#joins, now, before),
    });
    this.#local = { cluster, view };
    return view;
  }

  #lastOrNone(): Link {
    return this.#last ?? { metadata: { name: this.#options.link } };
  }

  /** Another Link has this cluster: two would undo each other's work for ever. */
  async #standBack(link: Link, holder: string): Promise<'done'> {
    this.#letGo();
    const { cluster } = settingsOf(link);
    const seen = `Link ${holder}, which is older and has the same target cluster, ${cluster}`;
    const message = faultMessage({ reason: 'DuplicateLink', seen });
    const reachability: Reachability = { reachable: false, reason: 'DuplicateLink', message };
    this.#noteReachability(link, reachability, false);
    await this.#status.put(() => ({ ...NOTHING, reachability }));
    return 'done';
  }

  #letGo(): void {
    this.#remote?.cluster.stop();
    this.#remote = undefined;
    this.#gateway?.gateway.stop();
    this.#gateway = undefined;
    this.#trust.stop();
    this.#facts.letGo();
  }

  /** The Link is gone: without it, nothing of the remote cluster is wanted, unless another Link has it. */
  async #clearAway(deleting: Link | undefined, local: LocalCluster): Promise<'done' | 'again'> {
    const link = deleting ?? this.#lastOrNone();
    if (this.#links.holderOf(settingsOf(link).cluster) !== undefined) return 'done';
    const { changes, endpoints } = reconcileLink(link, new Map(), local, this.#links.linkedAt());
    const { failures, conflicts } = await applyChanges(local.learning(this.#deps.client), changes, [
      ...endpoints,
      ...this.#probeChanges(settingsOf(link).cluster, undefined, local),
    ]);
    const slices = await this.#slices.apply(settingsOf(link).cluster, new Map(), new Map(), local.services);
    for (const [name, message] of slices.failures) failures.set(name, message);
    if (changes.length > 0) this.#deps.log.info('cleared away after the link', { changes: changes.length });
    for (const [name, message] of failures) this.#deps.log.warn(message, { service: name });
    return failures.size > 0 || conflicts + slices.conflicts > 0 ? 'again' : 'done';
  }

  #remoteOf(link: Link, throughGateway: boolean): RemoteCluster {
    const { cluster: name } = settingsOf(link);
    const wanted: RemoteSource = {
      cluster: name,
      secret: secretOf(link),
      namespace: this.#options.namespace,
      endpointsOf: throughGateway ? selectorText(link.spec?.selector) : undefined,
    };
    const source = JSON.stringify(wanted);
    if (this.#remote?.source === source) return this.#remote.cluster;
    this.#remote?.cluster.stop();
    const { client, connect, noted } = this.#deps;
    const changed = (): void => this.#loop.trigger();
    const counted = (): void => this.#status.nudge();
    const look = noted && (<T>(resource: string, sink: WatchSink<T>) => noted(name, resource, sink));
    const cluster = new RemoteCluster(wanted, { client, connect, noted: look, changed, counted });
    this.#remote = { source, cluster };
    return cluster;
  }

  #gatewayOf(link: Link): Gateway | undefined {
    const { cluster } = settingsOf(link);
    const settings = readGateway(link.spec);
    const source = JSON.stringify([cluster, settings]);
    if (this.#gateway?.source === source) return this.#gateway.gateway;
    this.#gateway?.gateway.stop();
    this.#gateway = undefined;
    if (!settings) return undefined;
    const { endpointRefreshMs: refreshMs, probeService } = this.#options;
    const { clock, log, random, lookup, probe, gatewayMetrics } = this.#deps;
    const gateway = new Gateway(
      settings,
      { refreshMs, probes: probeService !== undefined },
      {
        clock,
        log,
        random,
        lookup,
        probe,
        probeUrl: (path) => this.#probeUrl(path),
        metrics: gatewayMetrics?.(cluster),
        changed: () => this.#loop.trigger(),
        turned: (alive, reason) => this.#announcer.gateway(this.#last ?? link, alive, reason),
      },
    );
    this.#gateway = { source, gateway };
    return gateway;
  }

  /** The probe's own Service says at which port it is reached: the gateway may have another. */
  #probeUrl(path: string): string | undefined {
    const { probeService = '', namespace } = this.#options;
    const ports = this.#local?.view.services.get(serviceKey(namespace, probeService))?.ports ?? [];
    const port = ports.find(({ name }) => name === PROBE_PORT) ?? ports[0];
    return port && `http://${probeService}.${namespace}.svc:${port.port}${path}`;
  }

  #scene(gateway: Gateway | undefined, remote: RemoteCluster): GatewayScene | undefined {
    const { endpoints, endpointsProblem } = remote;
    return (
      gateway && {
        gateway: gateway.view,
        endpoints,
        ...(endpointsProblem !== undefined && { endpointsProblem }),
        headless: this.#options.enableHeadlessServices,
      }
    );
  }

  #probeChanges(cluster: string, gateway: Gateway | undefined, local: LocalCluster): EndpointsChange[] {
    const { probeService: service, namespace } = this.#options;
    if (service === undefined) return [];
    const port = gateway?.settings.probe?.port;
    const change =
      gateway && port !== undefined
        ? reconcileProbe({ service, namespace, port }, cluster, gateway.view, local)
        : clearProbe({ service, namespace }, cluster, local);
    return change ? [change] : [];
  }

  #noteReachability(link: Link, { reachable, reason, message }: Reachability, refuses: boolean): void {
    const { cluster } = settingsOf(link);
    const faults = new Set<FaultName>(refuses ? ['AddressesRefused'] : []);
    if (reason !== 'Connected') faults.add(reason);
    this.#deps.onReachable?.(cluster, reachable, faults);
    const before = this.#lastReason;
    if (before === reason) return;
    this.#lastReason = reason;
    if (!reachable) {
      this.#deps.log.warn('the remote cluster is out of reach; what it gave stays', { cluster, reason, message });
      this.#announcer.tell(link, { type: 'Warning', reason, message });
      return;
    }
    this.#deps.log.info('the remote cluster is within reach', { cluster });
    // That it is so from the start is no news.
    const news = `Cluster ${cluster} answers again as it should`;
    if (before !== undefined) this.#announcer.tell(link, { type: 'Normal', reason, message: news });
  }

  #trustPlaces(link: Link): TrustPlaces {
    const { controlNamespace: namespace } = this.#options;
    const { cluster } = settingsOf(link);
    return { cluster, namespace, remoteNamespace: link.spec?.targetClusterLinkerdNamespace || namespace };
  }

  /** An outcome whose write failed says so. */
  #outcomes({ mirrors, federated, originals }: LinkReconciliation, failures: Map<string, string>) {
    const failed = new Map<string, string>();
    for (const [local, message] of failures) {
      const original = originals.get(local);
      if (original !== undefined && !failed.has(original)) failed.set(original, message);
    }
    const corrected = (outcomes: MirrorOutcome[], failure: (outcome: MirrorOutcome) => string | undefined) =>
      outcomes.map((outcome) => {
        const { namespace, name } = outcome;
        const message = failure(outcome);
        return message === undefined ? outcome : { namespace, name, reason: 'Error' as const, message };
      });
    return {
      mirrors: corrected(mirrors, ({ namespace, name }) => failed.get(serviceKey(namespace, name))),
      federated: corrected(federated, ({ namespace, name }) =>
        failures.get(serviceKey(namespace, federatedName(name))),
      ),
    };
  }

  /** What is worth an event: a namespace that is about to be made is not. */
  #announced(outcomes: readonly MirrorOutcome[]): readonly MirrorOutcome[] {
    if (!this.#options.enableNamespaceCreation) return outcomes;
    return outcomes.filter(({ reason }) => reason !== 'MissingNamespace');
  }

  async #createNamespaces(link: Link, { mirrors, federated }: LinkReconciliation): Promise<void> {
    const missing = [...mirrors, ...federated].filter(({ reason }) => reason === 'MissingNamespace');
    for (const name of new Set(missing.map(({ namespace }) => namespace))) await this.#createNamespace(link, name);
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
}

/** Whether the credentials open the cluster that we are in. */
function isSameCluster(remote: RemoteCluster, local: LocalCluster): boolean {
  const uid = remote.services.get(API_SERVER)?.uid;
  return uid !== undefined && uid === local.services.get(API_SERVER)?.uid;
}

function ownCluster(link: Link): Reachability {
  const seen = `Service ${API_SERVER} with the same uid in both, by the credentials of Secret ${secretOf(link)}`;
  return { reachable: false, reason: 'OwnCluster', message: faultMessage({ reason: 'OwnCluster', seen }) };
}

const secretOf = (link: Link): string =>
  link.spec?.clusterCredentialsSecret || CREDENTIALS.secretName(settingsOf(link).cluster);

/** The status of a Link that does nothing. */
const NOTHING = {
  mirrors: [],
  federated: [],
  gateway: 'none',
  credentials: 'none',
  networks: 'none',
  content: 'none',
  trust: 'none',
  podNetworks: [],
} as const satisfies WantedStatus;

/** Name of the port at which gateways are probed, of their Service and of ours. */
const PROBE_PORT = 'mc-probe';
