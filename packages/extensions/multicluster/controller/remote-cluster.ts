import { ENDPOINT_SLICES, type EndpointSlice, type KubeObject, SECRETS } from '#api/kube';
import { ApiError, type KubeClient } from '#kube/client';
import { CREDENTIALS, type Reachability } from '../link/index.ts';
import type { ObservedExport } from '../mcs/index.ts';
import { type ObservedService, SliceIndex } from '../mirror/index.ts';
import { SliceWatch, watchRemoteExports } from './exports.ts';
import { watchServices } from './local-cluster.ts';

interface Secret extends KubeObject {
  type?: string;
  data?: Record<string, string>;
}

export interface RemoteClusterDeps {
  /** The local cluster, where the credentials are. */
  client: Pick<KubeClient, 'watch'>;
  /** Makes a client of a kubeconfig's text; throws when it cannot be used. */
  connect(kubeconfig: string): RemoteClient;
  changed(): void;
  /** There are more or fewer endpoints; nothing else may be different. */
  counted(): void;
}

/** What is asked of a remote API. */
export type RemoteClient = Pick<KubeClient, 'watch' | 'create' | 'raw' | 'close'>;

/** Which of the remote cluster to look at, and with what. */
export interface RemoteSource {
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
  readonly #deps: RemoteClusterDeps;
  readonly #endpointsOf: string | undefined;
  #servicesSeen = false;
  readonly #stopSecret: () => void;
  #kubeconfig: string | undefined;
  #stopRemote: () => void = () => {};

  constructor({ secret: name, namespace, endpointsOf }: RemoteSource, deps: RemoteClusterDeps) {
    this.#deps = deps;
    this.#endpointsOf = endpointsOf;
    this.#slices = new SliceWatch(() => deps.changed());
    const secret = { name, namespace };
    const missing = (): void =>
      this.#lose('CredentialsMissing', `Secret ${secret.namespace}/${secret.name} does not exist`);
    this.#stopSecret = deps.client.watch<Secret>(
      SECRETS,
      { namespace: secret.namespace, fieldSelector: `metadata.name=${secret.name}` },
      {
        reset: ([found]) => (found ? this.#credentials(found) : missing()),
        applied: (found) => this.#credentials(found),
        deleted: missing,
        failed: ({ error }) => {
          if (this.#kubeconfig === undefined) this.#say('CredentialsUnreadable', error.message);
        },
      },
    );
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
    const encoded = secret.data?.[CREDENTIALS.key];
    if (!encoded) {
      this.#lose('CredentialsInvalid', `Secret ${secret.metadata.name} has no key "${CREDENTIALS.key}"`);
      return;
    }
    const kubeconfig = Buffer.from(encoded, 'base64').toString('utf8');
    if (kubeconfig === this.#kubeconfig) return;
    this.#stopRemote();
    this.#kubeconfig = kubeconfig;
    try {
      this.#watch(this.#deps.connect(kubeconfig));
    } catch (error) {
      this.#lose('CredentialsInvalid', (error as Error).message);
      this.#kubeconfig = kubeconfig;
    }
  }

  #watch(remote: RemoteClient): void {
    this.client = remote;
    const reachable = (): void => {
      if (this.reachability?.reachable) return;
      this.reachability = { reachable: true, reason: 'Connected', message: '' };
    };
    const stop = watchServices(remote, this.services, {
      changed: () => {
        this.#servicesSeen = true;
        reachable();
        this.#deps.changed();
      },
      failed: ({ error }) => {
        const refused = error instanceof ApiError && (error.code === 401 || error.code === 403);
        this.#say(refused ? 'CredentialsRefused' : 'Unreachable', error.message);
      },
      recovered: () => {
        reachable();
        this.#deps.changed();
      },
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
          this.endpointsProblem = error.message;
          this.#deps.changed();
        },
      },
    );
  }

  #lose(reason: string, message: string): void {
    this.#stopRemote();
    this.#stopRemote = () => {};
    this.#kubeconfig = undefined;
    this.#say(reason, message);
  }

  #say(reason: string, message: string): void {
    const { reachability } = this;
    // Connection errors may name ephemeral ports and the like: the first of a kind stands until the kind changes.
    if (reachability && !reachability.reachable && reachability.reason === reason) return;
    this.reachability = { reachable: false, reason, message };
    this.#deps.changed();
  }
}
