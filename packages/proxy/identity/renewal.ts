import type { Clock, Timer } from '#runtime/clock';
import type { Log } from '#runtime/log';
import type { Certificate, IdentityClient } from '../discover/index.ts';
import type { Metrics } from '../telemetry/index.ts';
import type { Credentials } from './credentials.ts';
import type { IdentityKey } from './key.ts';
import { verifyChain } from './verify.ts';

export interface RenewalDeps {
  readonly client: IdentityClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Read anew for each request: the kubelet rotates it. */
  readonly readToken: () => Promise<Uint8Array>;
}

export interface RenewalConfig {
  readonly trustAnchorsPem: string;
  readonly minRefreshMs: number;
  readonly maxRefreshMs: number;
}

/** Part of a certificate's remaining life after which it is renewed. */
const REFRESH_AT = 0.7;
/** First pause while there is no certificate yet: identity starts beside us. Doubles up to the minimal refresh. */
const FIRST_RETRY_MS = 100;
/** How often the log says that the first certificate is still missing. */
const NAG_MS = 15_000;

/** Gets the first certificate and renews it at 70 % of its life; failures are retried for ever. */
export class Renewal {
  readonly #deps: RenewalDeps;
  readonly #config: RenewalConfig;
  readonly #credentials: Credentials;
  readonly #key: IdentityKey;
  #timer: Timer | undefined;
  #stopped = false;
  #validUntilMs = 0;
  #failures = 0;
  #certified: () => void = () => undefined;

  constructor(deps: RenewalDeps, config: RenewalConfig, credentials: Credentials, key: IdentityKey) {
    this.#deps = deps;
    this.#config = config;
    this.#credentials = credentials;
    this.#key = key;
  }

  /** Resolves with the first certificate; renewal goes on until `stop`. */
  async start(): Promise<void> {
    const first = new Promise<void>((resolve) => {
      this.#certified = resolve;
    });
    let nag: Timer | undefined;
    const nagLater = (): void => {
      nag = this.#deps.clock.after(NAG_MS, () => {
        this.#deps.log.warn('Waiting for identity to be initialized...');
        nagLater();
      });
    };
    nagLater();
    void this.#renew();
    await first;
    nag?.cancel();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  async #renew(): Promise<void> {
    if (this.#stopped) return;
    const ok = await this.#tryOnce();
    if (this.#stopped) return;
    this.#timer = this.#deps.clock.after(this.#nextMs(ok), () => void this.#renew());
  }

  async #tryOnce(): Promise<boolean> {
    const { client, log, metrics } = this.#deps;
    let ok = false;
    try {
      const token = await this.#deps.readToken();
      const identity = this.#credentials.localName;
      this.#accept(await client.certify({ identity, token, csrDer: this.#key.csrDer }));
      ok = true;
    } catch (error) {
      log.error('Failed to obtain identity', { error: error instanceof Error ? error.message : String(error) });
    }
    metrics.counter('control_identity_cert_refreshes_total', { result: ok ? 'ok' : 'error' }).inc();
    return ok;
  }

  #accept(certificate: Certificate): void {
    const { clock, log, metrics } = this.#deps;
    const nowMs = clock.wallMs();
    const identity = this.#credentials.localName;
    const verified = verifyChain(certificate, { identity, trustAnchorsPem: this.#config.trustAnchorsPem, nowMs });
    if ('error' in verified) throw new Error(`the certificate from the control plane is refused: ${verified.error}`);
    this.#credentials.update(this.#key.keyPem, verified.chainPem);
    this.#validUntilMs = certificate.validUntilMs;
    metrics.gauge('control_identity_cert_expiration_timestamp_seconds', {}).set(certificate.validUntilMs / 1000);
    metrics.gauge('control_identity_cert_refresh_timestamp_seconds', {}).set(nowMs / 1000);
    log.info('Certified identity', { id: identity });
    this.#certified();
  }

  #nextMs(ok: boolean): number {
    const { minRefreshMs, maxRefreshMs } = this.#config;
    if (!ok && this.#validUntilMs === 0) return Math.min(minRefreshMs, FIRST_RETRY_MS * 2 ** this.#failures++);
    const remainingMs = this.#validUntilMs - this.#deps.clock.wallMs();
    return Math.min(maxRefreshMs, Math.max(minRefreshMs, remainingMs * REFRESH_AT));
  }
}
