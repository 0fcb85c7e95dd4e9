import type { KubeClient } from '#kube/client';
import type { Clock } from '#runtime/clock';
import type { Log } from '#runtime/log';
import { timeText } from '../credentials/index.ts';
import type { EndpointCount, Finding, MirrorOutcome, Sync, WantedStatus } from '../link/index.ts';
import { serviceKey } from '../mirror/index.ts';
import { type NamedNetworks, networksFinding } from '../networks/index.ts';
import { Credentials, type CredentialsOptions } from './credentials.ts';
import { MemberCounts } from './member-counts.ts';
import { PodNetworks } from './pod-networks.ts';
import type { RemoteCluster } from './remote-cluster.ts';

export interface LinkFactsDeps {
  client: Pick<KubeClient, 'get' | 'update' | 'watch'>;
  clock: Clock;
  log: Log;
  /** Numbers are others. */
  counted(): void;
  /** Something else is to be said. */
  changed(): void;
  /** To tell operators of; `reason` is that of an event. */
  tell(type: 'Normal' | 'Warning', reason: string, message: string): void;
}

/**
 * What is said of a linked cluster beside what became of its Services: how many endpoints they have, since when it is seen, whether its pods'
 * addresses are its own, and how long its credentials last.
 */
export class LinkFacts {
  readonly #deps: LinkFactsDeps;
  readonly #counts: MemberCounts;
  readonly #there: PodNetworks;
  readonly #here: PodNetworks;
  readonly #credentials: Credentials;
  /** Services that are dialled pod by pod; undefined until known. */
  #direct: ReadonlySet<string> | undefined;
  #sync: Sync | undefined;
  /** What was told, by condition. */
  readonly #told = new Map<string, string>();

  constructor(deps: LinkFactsDeps, options: CredentialsOptions) {
    this.#deps = deps;
    const { client, clock, log, counted, changed, tell } = deps;
    this.#counts = new MemberCounts(counted);
    this.#there = new PodNetworks(changed);
    this.#here = new PodNetworks(changed);
    const renewed = (message: string): void => {
      log.info(message);
      tell('Normal', 'CredentialsRenewed', message);
    };
    this.#credentials = new Credentials({ client, clock, changed, renewed }, options);
  }

  /** The cluster is seen, or is not; with what it is entered. */
  contact(cluster: string, secret: string, { reachability, client: remote, kubeconfig }: RemoteCluster): void {
    const seen = reachability?.reachable;
    if (seen !== undefined && seen !== this.#sync?.seen)
      this.#sync = { seen, sinceIso: timeText(this.#deps.clock.wallMs()) };
    if (remote && kubeconfig !== undefined) this.#credentials.follow({ cluster, secret, kubeconfig, remote });
  }

  /** These Services, by `namespace/name`, are dialled pod by pod. */
  dialled(services: Iterable<string>, { client }: RemoteCluster): void {
    this.#direct = new Set(services);
    this.#counts.follow(client, this.#direct);
    if (this.#direct.size === 0) return;
    this.#there.follow(client);
    this.#here.follow(this.#deps.client);
  }

  /** What the status says with all that is known now added. `others`: the networks of other linked clusters. */
  complete(
    wanted: WantedStatus,
    cluster: string,
    { client, endpoints }: Pick<RemoteCluster, 'client' | 'endpoints'>,
    others: readonly NamedNetworks[],
  ): WantedStatus {
    const counted = (outcome: MirrorOutcome): MirrorOutcome => {
      const key = serviceKey(outcome.namespace, outcome.name);
      const count: EndpointCount | undefined = this.#counts.get(key) ?? endpoints?.count(key);
      return count ? { ...outcome, endpoints: count } : outcome;
    };
    const { mirrors, federated, content, trust } = wanted;
    const credentials = client ? this.#credentials.finding : 'none';
    const networks = this.#networks(cluster, others);
    const podNetworks = this.#direct?.size === 0 ? [] : this.#there.networks;
    this.#tell('credentials', credentials, 'Credentials');
    this.#tell('networks', networks);
    this.#tell('content', content);
    this.#tell('trust', trust);
    return {
      ...wanted,
      ...(mirrors && { mirrors: mirrors.map(counted) }),
      ...(federated && { federated: federated.map(counted) }),
      ...(credentials && { credentials }),
      ...(networks && { networks }),
      ...(podNetworks && { podNetworks }),
      ...(this.#sync && { sync: this.#sync }),
    };
  }

  /** The remote cluster is followed no more. */
  letGo(): void {
    this.#counts.stop();
    this.#there.stop();
    this.#direct = undefined;
    this.#sync = undefined;
    this.#credentials.letGo();
  }

  stop(): void {
    this.letGo();
    this.#here.stop();
  }

  #networks(cluster: string, others: readonly NamedNetworks[]): Finding | 'none' | undefined {
    if (!this.#direct) return undefined;
    if (this.#direct.size === 0) return 'none';
    const [there, here] = [this.#there.networks, this.#here.networks];
    return there && here && networksFinding(cluster, there, [{ networks: here }, ...others]);
  }

  /** What is wrong, once for each reason in a row; `prefix` makes an event's reason of a condition's. */
  #tell(about: string, finding: Finding | 'none' | undefined, prefix = ''): void {
    if (finding === undefined) return;
    const { status, reason, message } = finding === 'none' ? { status: 'True', reason: '', message: '' } : finding;
    if (this.#told.get(about) === reason) return;
    this.#told.set(about, reason);
    if (status !== 'False') return;
    this.#deps.log.warn(message, { reason: prefix + reason });
    this.#deps.tell('Warning', prefix + reason, message);
  }
}
