import type { KubeObject } from '#api/kube';
import { SECRETS } from '#api/kube';
import { ApiError, type KubeClient } from '#kube/client';
import { CREDENTIALS, type Reachability } from '../link/index.ts';
import type { ObservedService } from '../mirror/index.ts';
import { watchServices } from './local-cluster.ts';

interface Secret extends KubeObject {
  type?: string;
  data?: Record<string, string>;
}

export interface RemoteClusterDeps {
  /** The local cluster, where the credentials are. */
  client: Pick<KubeClient, 'watch'>;
  /** Makes a client of a kubeconfig's text; throws when it cannot be used. */
  connect(kubeconfig: string): Pick<KubeClient, 'watch' | 'close'>;
  changed(): void;
}

/**
 * The Services of a remote cluster, by the credentials of a Secret that may come, change and go at any time. While the
 * cluster cannot be reached, what was last seen stands.
 */
export class RemoteCluster {
  readonly services = new Map<string, ObservedService>();
  /** True once the remote Services were seen in full; stays true when contact is lost. */
  synced = false;
  reachability: Reachability | undefined;
  readonly #deps: RemoteClusterDeps;
  readonly #stopSecret: () => void;
  #kubeconfig: string | undefined;
  #stopRemote: () => void = () => {};

  constructor(secret: { name: string; namespace: string }, deps: RemoteClusterDeps) {
    this.#deps = deps;
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

  #watch(remote: Pick<KubeClient, 'watch' | 'close'>): void {
    const reachable = (): void => {
      if (this.reachability?.reachable) return;
      this.reachability = { reachable: true, reason: 'Connected', message: '' };
    };
    const stop = watchServices(remote, this.services, {
      changed: () => {
        this.synced = true;
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
    this.#stopRemote = () => {
      stop();
      remote.close();
    };
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
