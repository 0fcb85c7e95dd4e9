import { X509Certificate } from 'node:crypto';
import type { Clock } from '#runtime/clock';
import type { Log } from '#runtime/log';
import type { Random } from '#runtime/random';
import { rootsSha256 } from '#runtime/tls';
import { type Cancel, type IdentityClient, keepWatching, type Trust } from '../discover/index.ts';
import { LIMITS } from '../limits.ts';
import type { Metrics } from '../telemetry/index.ts';
import type { Credentials } from './credentials.ts';
import { pem } from './der.ts';
import type { Renewal } from './renewal.ts';
import { splitPem } from './verify.ts';

export interface TrustDeps {
  readonly client: Pick<IdentityClient, 'watchTrust'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Keeps the roots for the next start of this container; see {@link TrustCache}. */
  readonly remember: (trustAnchorsPem: string) => Promise<void>;
}

/**
 * Follows the roots of the mesh, as the identity controller tells them over a connection that the roots of before have verified: a new
 * root counts without a restart, and so does the end of an old one. A change of the issuer brings a new certificate soon.
 * Control planes that do not tell (Linkerd's) leave the roots as they were at the start.
 */
export class TrustWatch {
  readonly #deps: TrustDeps;
  readonly #credentials: Credentials;
  readonly #renewal: Pick<Renewal, 'renewWithin' | 'issuerSha256'>;
  #sha256: string;
  #cancel: Cancel | undefined;

  constructor(deps: TrustDeps, credentials: Credentials, renewal: Pick<Renewal, 'renewWithin' | 'issuerSha256'>) {
    this.#deps = deps;
    this.#credentials = credentials;
    this.#renewal = renewal;
    this.#sha256 = rootsSha256(splitPem(credentials.trustAnchorsPem).map((text) => new X509Certificate(text).raw));
    deps.metrics.gauge('control_identity_trust_roots_info', { sha256: this.#sha256 }).set(1);
  }

  start(): void {
    const { client, log } = this.#deps;
    const backoff = { minMs: LIMITS.trustBackoffMsMin, maxMs: LIMITS.trustBackoffMsMax, jitter: 0.1 };
    this.#cancel = keepWatching<Trust>(
      (sink) => client.watchTrust(sink),
      { backoff, lifetimeMs: LIMITS.trustStreamMs, terminal: ['UNIMPLEMENTED'] },
      {
        value: (trust) => this.#told(trust),
        refused: () => log.debug('the identity controller does not tell of changes of the trust roots'),
      },
      this.#deps,
    );
  }

  stop(): void {
    this.#cancel?.();
  }

  #told(trust: Trust): void {
    if (rootsSha256(trust.roots) !== this.#sha256) this.#replace(trust.roots);
    const issuer = this.#renewal.issuerSha256;
    if (issuer !== undefined && trust.issuerSha256.length > 0 && !issuer.equals(trust.issuerSha256))
      this.#renewal.renewWithin(Math.min(trust.renewWithinMs, LIMITS.trustRenewWithinMsMax));
  }

  #replace(ders: readonly Uint8Array[]): void {
    const { log, metrics, remember } = this.#deps;
    const problem = problemOf(ders);
    if (problem) {
      log.warn('New trust roots are refused; the old ones stay', { problem });
      return;
    }
    const bundle = ders.map((der) => pem('CERTIFICATE', der)).join('');
    this.#credentials.trust(bundle);
    metrics.gauge('control_identity_trust_roots_info', { sha256: this.#sha256 }).set(0);
    metrics.release('control_identity_trust_roots_info', { sha256: this.#sha256 });
    this.#sha256 = rootsSha256(ders);
    metrics.gauge('control_identity_trust_roots_info', { sha256: this.#sha256 }).set(1);
    log.info('Trust roots replaced', { count: ders.length, sha256: this.#sha256 });
    remember(bundle).catch((error: Error) =>
      log.warn('Cannot keep the new trust roots for a restart of this container', { error: error.message }),
    );
  }
}

/** Why these cannot be roots; nothing when they can. An empty set would cut us off from everybody. */
function problemOf(ders: readonly Uint8Array[]): string | undefined {
  if (ders.length === 0 || ders.length > LIMITS.trustRootsMax)
    return `expected 1 to ${LIMITS.trustRootsMax} certificates, got ${ders.length}`;
  for (const der of ders) {
    try {
      const certificate = new X509Certificate(der);
      if (!certificate.ca) return `"${certificate.subject.replaceAll('\n', ', ')}" is no CA`;
    } catch (error) {
      return `a certificate cannot be read: ${(error as Error).message}`;
    }
  }
  return undefined;
}
