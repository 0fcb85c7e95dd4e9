import { type KubeObject, SECRETS } from '#api/kube';
import { isNotFound, type KubeClient } from '#kube/client';
import type { Clock, Timer } from '#runtime/clock';
import {
  type BoundToken,
  credentialsFinding,
  type Expiry,
  expiriesOf,
  nextChangeMs,
  readToken,
  renewableToken,
  requestToken,
  timeText,
  tokenIn,
  withToken,
} from '../credentials/index.ts';
import { CREDENTIALS, type Finding } from '../link/index.ts';
import { LIMITS } from './limits.ts';
import type { RemoteClient } from './remote-cluster.ts';

interface Secret extends KubeObject {
  data?: Record<string, string>;
}

export interface CredentialsDeps {
  /** The local cluster, where the Secrets are. */
  client: Pick<KubeClient, 'get' | 'update'>;
  clock: Clock;
  /** What is to be said of them is something else. */
  changed(): void;
  /** The token was renewed; `message` says until when the new one is good. */
  renewed(message: string): void;
}

export interface CredentialsOptions {
  /** Of the Link, and of its Secret. */
  namespace: string;
  /** Of the control plane: the destination service has a Secret of the same name there. */
  controlNamespace: string;
  /** Share of a token's life after which it is renewed. */
  renewAt: number;
}

/** What a Link is entered with at this moment. */
export interface CredentialsInUse {
  cluster: string;
  /** Name of the Secret. */
  secret: string;
  kubeconfig: string;
  remote: Pick<RemoteClient, 'raw'>;
}

/**
 * Sees to it that credentials do not end unnoticed: tells what in them ends when, and has a bound token followed by the next, which it asks
 * the remote cluster for with the one that it has. Both Secrets get it: the Link's, and that of the destination service.
 */
export class Credentials {
  readonly #deps: CredentialsDeps;
  readonly #options: CredentialsOptions;
  #inUse: CredentialsInUse | undefined;
  #expiries: readonly Expiry[] = [];
  #token: BoundToken | undefined;
  #failure: string | undefined;
  #failures = 0;
  /** The destination service is known to have this token, or one that is not ours to replace. */
  #shared = false;
  #busy = false;
  #timer: Timer | undefined;

  constructor(deps: CredentialsDeps, options: CredentialsOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  /** What the Link's condition `CredentialsValid` says; undefined: nothing is known. */
  get finding(): Finding | 'none' | undefined {
    if (!this.#inUse) return undefined;
    const view = { expiries: this.#expiries, failure: this.#failure, renewed: this.#token !== undefined };
    return credentialsFinding(view, this.#deps.clock.wallMs());
  }

  /** These are in use from now on. */
  follow(inUse: CredentialsInUse): void {
    const before = this.#inUse;
    this.#inUse = inUse;
    if ((['cluster', 'secret', 'kubeconfig'] as const).every((field) => before?.[field] === inUse[field])) return;
    this.#failure = undefined;
    this.#failures = 0;
    this.#shared = false;
    this.#read(inUse.kubeconfig);
    this.#schedule(0);
  }

  /** Nobody uses them any more: they end as they may. */
  letGo(): void {
    this.#inUse = undefined;
    this.#timer?.cancel();
  }

  #read(kubeconfig: string): void {
    this.#token = undefined;
    this.#expiries = [];
    try {
      this.#token = renewableToken(kubeconfig);
      this.#expiries = expiriesOf(kubeconfig);
    } catch {
      // What is no kubeconfig, or holds no certificate where one should be, opens nothing: the condition RemoteReachable says so.
    }
  }

  #schedule(delayMs: number): void {
    this.#timer?.cancel();
    this.#timer = this.#deps.clock.after(Math.min(delayMs, LIMITS.credentialsLookMs), () => void this.#look());
  }

  async #look(): Promise<void> {
    const inUse = this.#inUse;
    if (this.#busy || !inUse) return;
    this.#busy = true;
    let failure: string | undefined;
    try {
      await this.#tend(inUse);
    } catch (error) {
      failure = (error as Error).message;
    }
    this.#busy = false;
    if (!this.#inUse) return;
    if (this.#inUse.kubeconfig !== inUse.kubeconfig) this.#schedule(0);
    else this.#note(failure);
  }

  #note(failure: string | undefined): void {
    const { clock, changed } = this.#deps;
    this.#failure = failure;
    this.#failures = failure === undefined ? 0 : this.#failures + 1;
    changed();
    const nowMs = clock.wallMs();
    const againMs = Math.min(LIMITS.renewMsMax, LIMITS.renewMsFirst * 2 ** Math.min(this.#failures - 1, 16));
    const tendMs = failure === undefined ? this.#renewalMs() : nowMs + againMs;
    const nextMs = nextChangeMs(this.#expiries, nowMs) ?? Number.POSITIVE_INFINITY;
    this.#schedule(Math.max(LIMITS.renewMsFirst, Math.min(nextMs, tendMs) - nowMs));
  }

  #renewalMs(): number {
    if (!this.#token) return Number.POSITIVE_INFINITY;
    const { issuedMs, expiresMs } = this.#token;
    return issuedMs + (expiresMs - issuedMs) * this.#options.renewAt;
  }

  async #tend(inUse: CredentialsInUse): Promise<void> {
    const token = this.#token;
    if (!token) return;
    const nowMs = this.#deps.clock.wallMs();
    if (nowMs >= token.expiresMs) return;
    if (!this.#shared) await this.#share(inUse, token);
    if (nowMs >= this.#renewalMs()) await this.#renew(inUse, token);
  }

  async #renew({ remote, kubeconfig, secret }: CredentialsInUse, token: BoundToken): Promise<void> {
    const { client, renewed } = this.#deps;
    const { namespace } = this.#options;
    const account = { namespace: token.namespace, name: token.account };
    const lifeSeconds = Math.round((token.expiresMs - token.issuedMs) / 1000);
    const text = await requestToken(remote, account, lifeSeconds);
    const fresh = readToken(text);
    if (fresh?.account !== token.account || fresh.namespace !== token.namespace || fresh.expiresMs <= token.expiresMs)
      throw new Error(`the cluster gave something else than a later token of ${account.namespace}/${account.name}`);
    const found = await client.get<Secret>(SECRETS, secret, namespace);
    // Somebody else was faster; the watch tells.
    if (kubeconfigOf(found) !== kubeconfig) return;
    await client.update<Secret>(SECRETS, withKubeconfig(found, withToken(kubeconfig, text))).catch((error: Error) => {
      throw new Error(`Secret ${namespace}/${secret} cannot be written: ${error.message}`);
    });
    const until = timeText(fresh.expiresMs);
    renewed(`The token of service account ${account.namespace}/${account.name} is good until ${until} now`);
  }

  /** The destination service's Secret gets the newer of two tokens of one account; others are left as they are. */
  async #share({ cluster, secret, kubeconfig }: CredentialsInUse, token: BoundToken): Promise<void> {
    const { client } = this.#deps;
    const { controlNamespace: namespace } = this.#options;
    try {
      const found = await client.get<Secret>(SECRETS, secret, namespace);
      const theirs = kubeconfigOf(found);
      const old = renewableToken(theirs);
      const isOurs =
        found.metadata.labels?.[CREDENTIALS.clusterNameLabel] === cluster &&
        old?.account === token.account &&
        old.namespace === token.namespace;
      if (isOurs && old.expiresMs < token.expiresMs)
        await client.update<Secret>(SECRETS, withKubeconfig(found, withToken(theirs, tokenIn(kubeconfig) ?? '')));
    } catch (error) {
      const why = (error as Error).message;
      // Without it there is nothing to renew; that the destination service has no credentials, `check` says.
      if (!isNotFound(error))
        throw new Error(`Secret ${namespace}/${secret}, with which endpoints are found, keeps its token: ${why}`);
    }
    this.#shared = true;
  }
}

const kubeconfigOf = ({ data }: Secret): string =>
  Buffer.from(data?.[CREDENTIALS.key] ?? '', 'base64').toString('utf8');
const withKubeconfig = (secret: Secret, kubeconfig: string): Secret => ({
  ...secret,
  data: { ...secret.data, [CREDENTIALS.key]: Buffer.from(kubeconfig).toString('base64') },
});
