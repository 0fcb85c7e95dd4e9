import { ENDPOINT_SLICES, type EndpointSlice, type KubeObject, SECRETS } from '#api/kube';
import { type Fault, type FaultName, faultMessage, faultOf, type LinkedObserver } from '#control/linked';
import type { KubeClient } from '#kube/client';
import { CREDENTIALS, type Finding, type Reachability } from '../link/index.ts';
import type { ObservedExport } from '../mcs/index.ts';
import { type ObservedService, SliceIndex } from '../mirror/index.ts';
import { SliceWatch, watchRemoteExports } from './exports.ts';
import { LIMITS } from './limits.ts';
import { watchServices } from './local-cluster.ts';
import { type Noted, WatchedClient } from './watched-client.ts';

interface Secret extends KubeObject {
  type?: string;
  data?: Record<string, string>;
}

export interface RemoteClusterDeps {
  /** The local cluster, where the credentials are. */
  client: Pick<KubeClient, 'watch'>;
  /** Makes a client of a kubeconfig's text; throws when it cannot be used. */
  connect(kubeconfig: string, observer: LinkedObserver): RemoteClient;
  /** Looks on at the watches of the remote cluster. */
  noted: Noted | undefined;
  changed(): void;
  /** There are more or fewer endpoints; nothing else may be different. */
  counted(): void;
}

/** What is asked of a remote API. */
export type RemoteClient = Pick<KubeClient, 'watch' | 'create' | 'raw' | 'close'>;

/** Which of the remote cluster to look at, and with what. */
export interface RemoteSource {
  /** What the Link calls it. */
  cluster: string;
  secret: string;
  namespace: string;
  /** Endpoints of Services with these labels are watched; undefined: none are. */
  endpointsOf: string | undefined;
}

/**
 * The Services of a remote cluster, by the credentials of a Secret that may come, change and go at any time. While the
 * cluster cannot be reached, what was last seen stands.
 */
export class RemoteCluster {
  readonly services = new Map<string, ObservedService>();
  /** ServiceExports, by `namespace/name`. */
  readonly exports = new Map<string, ObservedExport>();
  readonly #slices: SliceWatch;
  #exportsKnown = false;
  /** Undefined until they were seen in full. */
  endpoints: SliceIndex | undefined;
  /** Why endpoints cannot be watched. */
  endpointsProblem: string | undefined;
  /** To write events with; undefined while there are no credentials. */
  client: RemoteClient | undefined;
  reachability: Reachability | undefined;
  /** Objects that something is left out of, and why. */
  readonly #refused = new Map<string, string>();
  readonly #cluster: string;
  readonly #deps: RemoteClusterDeps;
  readonly #endpointsOf: string | undefined;
  #servicesSeen = false;
  readonly #stopSecret: () => void;
  #kubeconfig: string | undefined;
  #stopRemote: () => void = () => {};

  constructor({ cluster, secret: name, namespace, endpointsOf }: RemoteSource, deps: RemoteClusterDeps) {
    this.#cluster = cluster;
    this.#deps = deps;
    this.#endpointsOf = endpointsOf;
    this.#slices = new SliceWatch(() => deps.changed());
    const secret = { name, namespace };
    const missing = (): void => this.#lose('CredentialsMissing', `no Secret ${secret.namespace}/${secret.name}`);
    this.#stopSecret = deps.client.watch<Secret>(
      SECRETS,
      { namespace: secret.namespace, fieldSelector: `metadata.name=${secret.name}` },
      {
        reset: ([found]) => (found ? this.#credentials(found) : missing()),
        applied: (found) => this.#credentials(found),
        deleted: missing,
        failed: ({ error }) => {
          if (this.#kubeconfig === undefined) this.#say({ reason: 'CredentialsUnreadable', seen: error.message });
        },
      },
    );
  }

  /** What a Link's condition `ContentAccepted` says; `none` where nothing is left out. */
  get content(): Finding | 'none' {
    if (this.#refused.size === 0) return 'none';
    const named = [...this.#refused].slice(0, LIMITS.refusedNamed).map(([object, why]) => `${object}: ${why}`);
    const more = this.#refused.size > named.length ? `; and of ${this.#refused.size - named.length} more` : '';
    const fault: Fault = { reason: 'AddressesRefused', seen: named.join('; ') + more };
    return { status: 'False', reason: fault.reason, message: faultMessage(fault) };
  }

  /** With which it is entered; undefined while there is none. */
  get kubeconfig(): string | undefined {
    return this.#kubeconfig;
  }

  /** True once the remote objects were seen in full; stays true when contact is lost. */
  get synced(): boolean {
    const endpoints = this.#endpointsOf === undefined || this.endpoints || this.endpointsProblem !== undefined;
    return this.#servicesSeen && this.#exportsKnown && Boolean(endpoints);
  }

  /** Looks at the EndpointSlices of what is exported now, and of these Services. Undefined until they were seen in full. */
  followSlices(services: Iterable<{ name: string }>): ReadonlyMap<string, EndpointSlice> | undefined {
    this.#slices.follow(this.client, [...this.exports.values(), ...services]);
    return this.#slices.slices;
  }

  stop(): void {
    this.#stopSecret();
    this.#stopRemote();
  }

  #credentials(secret: Secret): void {
    const named = `Secret ${secret.metadata.namespace}/${secret.metadata.name}`;
    const encoded = secret.data?.[CREDENTIALS.key];
    if (!encoded) {
      this.#lose('CredentialsInvalid', `${named} without it`);
      return;
    }
    const owner = secret.metadata.labels?.[CREDENTIALS.clusterNameLabel];
    if (owner !== undefined && owner !== this.#cluster) {
      this.#lose('CredentialsOfOther', `${named} with the label ${CREDENTIALS.clusterNameLabel}=${owner}`);
      return;
    }
    const kubeconfig = Buffer.from(encoded, 'base64').toString('utf8');
    if (kubeconfig === this.#kubeconfig) return;
    this.#stopRemote();
    this.#kubeconfig = kubeconfig;
    try {
      this.#watch(this.#deps.connect(kubeconfig, { refused: (object, why) => this.#note(object, why) }));
    } catch (error) {
      // What is wrong with the text may be shown with the text: the first line does not.
      this.#lose('CredentialsInvalid', `${named}: ${(error as Error).message.split('\n')[0]}`);
      this.#kubeconfig = kubeconfig;
    }
  }

  #watch(connected: RemoteClient): void {
    let isListed = false;
    const judge = (): void => {
      // Others still watch through a client that was given up, until they hear of the next.
      if (this.client !== remote) return;
      if (remote.fault) this.#say(remote.fault);
      else if (isListed) this.#connected();
    };
    const remote = new WatchedClient(connected, this.#deps.noted, judge);
    this.client = remote;
    const stop = watchServices(remote, this.services, {
      changed: () => {
        this.#servicesSeen = true;
        isListed = true;
        judge();
        this.#deps.changed();
      },
      failed: () => {},
    });
    const stopEndpoints = this.#endpointsOf === undefined ? () => {} : this.#watchEndpoints(remote, this.#endpointsOf);
    const stopExports = watchRemoteExports(remote, this.exports, () => {
      this.#exportsKnown = true;
      this.#deps.changed();
    });
    this.#stopRemote = () => {
      stop();
      stopEndpoints();
      stopExports();
      this.#slices.stop();
      this.client = undefined;
      remote.close();
      this.#refused.clear();
    };
  }

  /** What was seen last stands until a new watch has seen everything. */
  #watchEndpoints(remote: RemoteClient, labelSelector: string): () => void {
    const index = new SliceIndex();
    return remote.watch<EndpointSlice>(
      ENDPOINT_SLICES,
      { labelSelector },
      {
        reset: (slices) => {
          index.reset(slices);
          this.endpoints = index;
          this.endpointsProblem = undefined;
          this.#deps.changed();
        },
        applied: (slice) => {
          if (index.apply(slice)) this.#deps.changed();
          else this.#deps.counted();
        },
        deleted: (slice) => {
          index.delete(slice);
          this.#deps.changed();
        },
        failed: ({ error }) => {
          if (this.endpoints || this.endpointsProblem !== undefined) return;
          this.endpointsProblem = faultOf(error).seen;
          this.#deps.changed();
        },
      },
    );
  }

  #note(object: string, why: string | undefined): void {
    if (this.#refused.get(object) === why) return;
    if (why === undefined) this.#refused.delete(object);
    else this.#refused.set(object, why);
    this.#deps.changed();
  }

  #lose(reason: FaultName, seen: string): void {
    this.#stopRemote();
    this.#stopRemote = () => {};
    this.#kubeconfig = undefined;
    this.#judged({ reason, seen });
  }

  #connected(): void {
    if (this.reachability?.reachable) return;
    this.reachability = { reachable: true, reason: 'Connected', message: '' };
    this.#deps.changed();
  }

  #say(fault: Fault): void {
    const { reachability } = this;
    // Connection errors may name ephemeral ports and the like: the first of a kind stands until the kind changes.
    if (reachability && !reachability.reachable && reachability.reason === fault.reason) return;
    this.#judged(fault);
  }

  #judged(fault: Fault): void {
    this.reachability = { reachable: false, reason: fault.reason, message: faultMessage(fault) };
    this.#deps.changed();
  }
}
