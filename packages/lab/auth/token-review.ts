import type { AnyObject } from '#api/kube';
import { type Bound, ISSUER, type TokenAuthority, type TokenClaims, userNameOf } from './tokens.ts';

/** A token's owner, and for which of the asked audiences it was issued. */
export interface TokenIdentity {
  readonly user: {
    readonly name: string;
    readonly uid: string;
    readonly groups: readonly string[];
    readonly extra: Readonly<Record<string, readonly string[]>>;
  };
  readonly audiences: readonly string[];
}

/** Reads an object that a token is bound to; undefined once it is gone. */
export type LookUp = (
  resource: 'serviceaccounts' | 'pods' | 'nodes' | 'secrets',
  ref: { namespace?: string; name: string },
) => AnyObject | undefined;

/** Verified tokens kept by text, so that a client that sends one with each request costs one RSA check. */
const CACHED_TOKENS_MAX = 1_000;
const CACHED_TOKEN_MS = 10_000;

/** Tells whose a service-account token is. Every failure is an Error whose text TokenReview shows. */
export class TokenReviewer {
  readonly #authority: TokenAuthority;
  readonly #lookUp: LookUp;
  readonly #cache = new Map<string, { claims: TokenClaims; untilMs: number }>();

  constructor(authority: TokenAuthority, lookUp: LookUp) {
    this.#authority = authority;
    this.#lookUp = lookUp;
  }

  /** `audiences` empty: the API server's own. @throws Error */
  async review(token: string, audiences: readonly string[], nowMs: number): Promise<TokenIdentity> {
    const claims = await this.#verified(token, nowMs);
    const wanted = audiences.length > 0 ? audiences : [ISSUER];
    const issuedFor = claims.legacy ? [ISSUER] : claims.audiences;
    const shared = wanted.filter((audience) => issuedFor.includes(audience));
    if (shared.length === 0)
      throw new Error(
        `[invalid bearer token, token audiences ${list(issuedFor)} is invalid for the target audiences ${list(wanted)}]`,
      );
    this.#assertAlive(claims);
    return { user: userOf(claims), audiences: shared };
  }

  async #verified(token: string, nowMs: number): Promise<TokenClaims> {
    const cached = this.#cache.get(token);
    if (cached && cached.untilMs > nowMs) return cached.claims;
    let claims: TokenClaims;
    try {
      claims = await this.#authority.verify(token, nowMs);
    } catch (error) {
      this.#cache.delete(token);
      throw new Error(`[invalid bearer token, ${describe(error)}]`);
    }
    if (this.#cache.size >= CACHED_TOKENS_MAX) this.#cache.clear();
    const untilMs = Math.min(nowMs + CACHED_TOKEN_MS, claims.expiresAtMs ?? Number.POSITIVE_INFINITY);
    this.#cache.set(token, { claims, untilMs });
    return claims;
  }

  /** The account, and whatever else the token is bound to, must be the very ones of its uids. */
  #assertAlive({ namespace, serviceAccount, pod, node, secret, legacy }: TokenClaims): void {
    const account = this.#lookUp('serviceaccounts', { namespace, name: serviceAccount.name });
    if (!account) throw refused(`serviceaccounts "${serviceAccount.name}" not found`);
    if (account.metadata.uid !== serviceAccount.uid)
      throw refused(`service account UID (${account.metadata.uid}) does not match claim (${serviceAccount.uid})`);
    if (pod) this.#assertSame('pods', { namespace, name: pod.name }, pod);
    if (node && !pod) this.#assertSame('nodes', { name: node.name }, node);
    if (!secret) return;
    const found = this.#lookUp('secrets', { namespace, name: secret.name });
    if (!found || found.metadata.deletionTimestamp) throw refused('service account token has been invalidated');
    if (!legacy && found.metadata.uid !== secret.uid) throw refused('service account token has been invalidated');
  }

  #assertSame(resource: 'pods' | 'nodes', ref: { namespace?: string; name: string }, claim: Bound): void {
    const found = this.#lookUp(resource, ref);
    if (!found) throw refused('service account token has been invalidated');
    if (found.metadata.uid !== claim.uid)
      throw refused(`${resource.slice(0, -1)} UID (${found.metadata.uid}) does not match claim (${claim.uid})`);
  }
}

const refused = (why: string): Error => new Error(`[invalid bearer token, ${why}]`);

const list = (items: readonly string[]): string => `[${items.map((item) => JSON.stringify(item)).join(' ')}]`;

function describe(error: unknown): string {
  const { code, message } = error as { code?: string; message: string };
  if (code === 'ERR_JWT_EXPIRED') return 'service account token has expired';
  if (code === 'ERR_JWT_CLAIM_VALIDATION_FAILED')
    return `service account token is not valid yet or of another issuer: ${message}`;
  return `service account token cannot be verified: ${message}`;
}

function userOf({ namespace, serviceAccount, pod, node, id }: TokenClaims): TokenIdentity['user'] {
  const extra: Record<string, readonly string[]> = {
    ...(id && { 'authentication.kubernetes.io/credential-id': [`JTI=${id}`] }),
    ...(node && {
      'authentication.kubernetes.io/node-name': [node.name],
      'authentication.kubernetes.io/node-uid': [node.uid],
    }),
    ...(pod && {
      'authentication.kubernetes.io/pod-name': [pod.name],
      'authentication.kubernetes.io/pod-uid': [pod.uid],
    }),
  };
  return {
    name: userNameOf(namespace, serviceAccount.name),
    uid: serviceAccount.uid,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
    extra,
  };
}
