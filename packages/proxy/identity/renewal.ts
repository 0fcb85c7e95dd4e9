import type { Clock, Timer } from '#runtime/clock';
import { GrpcError } from '#runtime/grpc';
import type { Log } from '#runtime/log';
import type { Random } from '#runtime/random';
import { Backoff, type Certificate, type IdentityClient } from '../discover/index.ts';
import { LIMITS } from '../limits.ts';
import type { Metrics } from '../telemetry/index.ts';
import type { Credentials } from './credentials.ts';
import type { IdentityKey } from './key.ts';
import { sha256Of, verifyChain } from './verify.ts';

export interface RenewalDeps {
  readonly client: IdentityClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Read anew for each request: the kubelet rotates it. */
  readonly readToken: () => Promise<Uint8Array>;
}

export interface RenewalConfig {
  readonly minRefreshMs: number;
  readonly maxRefreshMs: number;
}

/** Part of a certificate's remaining life after which it is renewed. */
const REFRESH_AT = 0.7;
/** How often the log says that the first certificate is still missing. */
const NAG_MS = 15_000;

type Attempt = 'ok' | 'unreachable' | 'refused';

/**
 * Gets the first certificate and renews it at 70 % of its life; failures are retried for ever. Until the first one, the waits
 * grow from a moment to the shortest refresh time; a controller that cannot be reached is tried every second, for pods start
 * together.
 */
export class Renewal {
  readonly #deps: RenewalDeps;
  readonly #config: RenewalConfig;
  readonly #credentials: Credentials;
  readonly #key: IdentityKey;
  readonly #backoff: Backoff;
  #timer: Timer | undefined;
  #lastError = '';
  #stopped = false;
  #validUntilMs = 0;
  #certified: () => void = () => undefined;
  #issuer: Buffer | undefined;
  #dueMs = Number.POSITIVE_INFINITY;
  #renewing = false;
  #againWithinMs: number | undefined;

  constructor(deps: RenewalDeps, config: RenewalConfig, credentials: Credentials, key: IdentityKey) {
    this.#deps = deps;
    this.#config = config;
    this.#credentials = credentials;
    this.#key = key;
    const waits = { minMs: LIMITS.certifyRetryMsMin, maxMs: config.minRefreshMs, jitter: 0 };
    this.#backoff = new Backoff(waits, deps.random);
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

  /** SHA-256 of the certificate that signed ours; undefined before the first one. */
  get issuerSha256(): Buffer | undefined {
    return this.#issuer;
  }

  /** Asks for a new certificate at some moment within this time, or when it is due anyway. */
  renewWithin(ms: number): void {
    if (this.#stopped) return;
    if (this.#renewing) {
      // What is under way may have been answered before whatever this is about.
      this.#againWithinMs = ms;
      return;
    }
    const waitMs = this.#deps.random() * ms;
    if (this.#deps.clock.wallMs() + waitMs >= this.#dueMs) return;
    this.#timer?.cancel();
    this.#schedule(waitMs);
  }

  #schedule(waitMs: number): void {
    this.#dueMs = this.#deps.clock.wallMs() + waitMs;
    this.#timer = this.#deps.clock.after(waitMs, () => void this.#renew());
  }

  async #renew(): Promise<void> {
    if (this.#stopped) return;
    this.#renewing = true;
    const attempt = await this.#tryOnce();
    this.#renewing = false;
    if (this.#stopped) return;
    if (attempt === 'ok') this.#backoff.reset();
    this.#schedule(this.#nextMs(attempt));
    const againMs = this.#againWithinMs;
    this.#againWithinMs = undefined;
    if (againMs !== undefined) this.renewWithin(againMs);
  }

  async #tryOnce(): Promise<Attempt> {
    const { client, metrics } = this.#deps;
    let attempt: Attempt = 'ok';
    try {
      const token = await this.#deps.readToken();
      const { identity } = this.#credentials;
      this.#accept(await client.certify({ identity, token, csrDer: this.#key.csrDer }));
      this.#lastError = '';
    } catch (error) {
      attempt = error instanceof GrpcError && error.code === 'UNAVAILABLE' ? 'unreachable' : 'refused';
      this.#complain(error instanceof Error ? error.message : String(error));
    }
    metrics.counter('control_identity_cert_refreshes_total', { result: attempt === 'ok' ? 'ok' : 'error' }).inc();
    return attempt;
  }

  /** The same failure again is not said again. */
  #complain(error: string): void {
    if (error !== this.#lastError) this.#deps.log.error('Failed to obtain identity', { error });
    this.#lastError = error;
  }

  #accept(certificate: Certificate): void {
    const { clock, log, metrics } = this.#deps;
    const nowMs = clock.wallMs();
    const { identity, trustAnchorsPem } = this.#credentials;
    const { keyPem } = this.#key;
    const verified = verifyChain(certificate, { trustAnchorsPem, identity, keyPem, nowMs });
    if ('error' in verified) throw new Error(`the certificate from the control plane is refused: ${verified.error}`);
    this.#credentials.update(keyPem, verified.chainPem);
    this.#validUntilMs = certificate.validUntilMs;
    const [issuer] = certificate.intermediates;
    this.#issuer = issuer && sha256Of(issuer);
    metrics.gauge('control_identity_cert_expiration_timestamp_seconds', {}).set(certificate.validUntilMs / 1000);
    metrics.gauge('control_identity_cert_refresh_timestamp_seconds', {}).set(nowMs / 1000);
    log.info('Certified identity', { id: identity });
    this.#certified();
  }

  #nextMs(attempt: Attempt): number {
    const { minRefreshMs, maxRefreshMs } = this.#config;
    const certified = this.#validUntilMs > 0;
    if (attempt !== 'ok' && !certified) {
      const waitMs = this.#backoff.nextMs();
      return attempt === 'unreachable' ? Math.min(waitMs, LIMITS.certifyRetryMsMax) : waitMs;
    }
    const remainingMs = this.#validUntilMs - this.#deps.clock.wallMs();
    return Math.min(maxRefreshMs, Math.max(minRefreshMs, remainingMs * REFRESH_AT));
  }
}
