import { randomUUID } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, importPKCS8, importSPKI, type JWK, jwtVerify, SignJWT } from 'jose';
import type { ClusterKeys } from './pki.ts';

/** Issuer of bound tokens, and the API server's own audience. */
export const ISSUER = 'https://kubernetes.default.svc.cluster.local';
/** Issuer of tokens in Secrets of type kubernetes.io/service-account-token. */
export const LEGACY_ISSUER = 'kubernetes/serviceaccount';

/** An object by name and uid, as tokens bind to it. */
export interface Bound {
  readonly name: string;
  readonly uid: string;
}

/** What a service-account token says. */
export interface TokenClaims {
  readonly namespace: string;
  readonly serviceAccount: Bound;
  readonly pod?: Bound;
  readonly node?: Bound;
  readonly secret?: Bound;
  /** Empty for tokens in Secrets, which fit the API server only. */
  readonly audiences: readonly string[];
  readonly id?: string;
  /** Absent where the token does not expire. */
  readonly expiresAtMs?: number;
  readonly legacy: boolean;
}

export interface TokenGrant {
  readonly namespace: string;
  readonly serviceAccount: Bound;
  readonly pod?: Bound;
  readonly node?: Bound;
  readonly secret?: Bound;
  readonly audiences: readonly string[];
  readonly expirationSeconds: number;
}

/** Signs and verifies the service-account tokens of one cluster (RS256). */
export class TokenAuthority {
  readonly #privateKey: CryptoKey;
  readonly #publicKey: CryptoKey;
  readonly #keyId: string;
  readonly #jwk: JWK;

  private constructor(privateKey: CryptoKey, publicKey: CryptoKey, jwk: JWK, keyId: string) {
    this.#privateKey = privateKey;
    this.#publicKey = publicKey;
    this.#jwk = jwk;
    this.#keyId = keyId;
  }

  static async open(keys: ClusterKeys): Promise<TokenAuthority> {
    const privateKey = await importPKCS8(keys.serviceAccountKey, 'RS256');
    const publicKey = await importSPKI(keys.serviceAccountPublicKey, 'RS256', { extractable: true });
    const jwk = await exportJWK(publicKey);
    return new TokenAuthority(privateKey, publicKey, jwk, await calculateJwkThumbprint(jwk));
  }

  /** `/openid/v1/jwks`. */
  get jwks(): { keys: JWK[] } {
    return { keys: [{ ...this.#jwk, use: 'sig', kid: this.#keyId, alg: 'RS256' }] };
  }

  /** A bound token; `expiresAtMs` is what its `exp` says. */
  async issue(grant: TokenGrant, nowMs: number): Promise<{ token: string; expiresAtMs: number }> {
    const nowS = Math.floor(nowMs / 1000);
    const expiresS = nowS + grant.expirationSeconds;
    const { namespace, serviceAccount, pod, node, secret } = grant;
    const token = await new SignJWT({
      'kubernetes.io': {
        namespace,
        ...(node && { node }),
        ...(pod && { pod }),
        ...(secret && { secret }),
        serviceaccount: serviceAccount,
      },
    })
      .setProtectedHeader({ alg: 'RS256', kid: this.#keyId })
      .setIssuer(ISSUER)
      .setSubject(userNameOf(namespace, serviceAccount.name))
      .setAudience([...grant.audiences])
      .setIssuedAt(nowS)
      .setNotBefore(nowS)
      .setExpirationTime(expiresS)
      .setJti(randomUUID())
      .sign(this.#privateKey);
    return { token, expiresAtMs: expiresS * 1000 };
  }

  /** The token of a Secret of type kubernetes.io/service-account-token; it does not expire. */
  issueLegacy(grant: { namespace: string; serviceAccount: Bound; secretName: string }): Promise<string> {
    return new SignJWT({
      'kubernetes.io/serviceaccount/namespace': grant.namespace,
      'kubernetes.io/serviceaccount/secret.name': grant.secretName,
      'kubernetes.io/serviceaccount/service-account.name': grant.serviceAccount.name,
      'kubernetes.io/serviceaccount/service-account.uid': grant.serviceAccount.uid,
    })
      .setProtectedHeader({ alg: 'RS256', kid: this.#keyId })
      .setIssuer(LEGACY_ISSUER)
      .setSubject(userNameOf(grant.namespace, grant.serviceAccount.name))
      .sign(this.#privateKey);
  }

  /** Checks signature, issuer and times; whether the bound objects still exist is the caller's part. @throws Error */
  async verify(token: string, nowMs: number): Promise<TokenClaims> {
    const { payload } = await jwtVerify(token, this.#publicKey, {
      issuer: [ISSUER, LEGACY_ISSUER],
      algorithms: ['RS256'],
      currentDate: new Date(nowMs),
    });
    const claims = payload.iss === LEGACY_ISSUER ? legacyClaims(payload) : boundClaims(payload);
    if (!claims) throw new Error('the token carries no service-account claims');
    return claims;
  }
}

/** `system:serviceaccount:ns:name`. */
export function userNameOf(namespace: string, name: string): string {
  return `system:serviceaccount:${namespace}:${name}`;
}

type Payload = Record<string, unknown>;

function boundClaims(payload: Payload): TokenClaims | undefined {
  const claims = payload['kubernetes.io'] as Payload | undefined;
  const serviceAccount = bound(claims?.['serviceaccount']);
  if (!claims || !serviceAccount || typeof claims['namespace'] !== 'string') return undefined;
  const [pod, node, secret] = [bound(claims['pod']), bound(claims['node']), bound(claims['secret'])];
  return {
    namespace: claims['namespace'],
    serviceAccount,
    ...(pod && { pod }),
    ...(node && { node }),
    ...(secret && { secret }),
    audiences: textList(payload['aud']),
    ...(typeof payload['jti'] === 'string' && { id: payload['jti'] }),
    ...(typeof payload['exp'] === 'number' && { expiresAtMs: payload['exp'] * 1000 }),
    legacy: false,
  };
}

function legacyClaims(payload: Payload): TokenClaims | undefined {
  const read = (name: string): string => String(payload[`kubernetes.io/serviceaccount/${name}`] ?? '');
  const namespace = read('namespace');
  const serviceAccount = { name: read('service-account.name'), uid: read('service-account.uid') };
  if (!namespace || !serviceAccount.name) return undefined;
  return { namespace, serviceAccount, secret: { name: read('secret.name'), uid: '' }, audiences: [], legacy: true };
}

function bound(value: unknown): Bound | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { name, uid } = value as Record<string, unknown>;
  return typeof name === 'string' ? { name, uid: typeof uid === 'string' ? uid : '' } : undefined;
}

const textList = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((item) => typeof item === 'string') : typeof value === 'string' ? [value] : [];
