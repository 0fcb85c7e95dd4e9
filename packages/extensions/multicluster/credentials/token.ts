import { parseDocument } from 'yaml';
import { parseKubeConfig, resolveContext } from '#kube/config';

/** What a bound service-account token (RFC 7519, as TokenRequest issues them) says of itself; nobody checked its signature. */
export interface BoundToken {
  namespace: string;
  account: string;
  issuedMs: number;
  expiresMs: number;
}

/** Where a token does not say when it was issued: TokenRequest's default life. */
const LIFE_MS_DEFAULT = 3_600_000;
const SUBJECT = /^system:serviceaccount:([^:]+):([^:]+)$/;

/** Undefined for what is no JWT or never expires. `namespace` and `account` are empty for tokens of nobody's service account. */
export function readToken(text: string): BoundToken | undefined {
  const [, payload] = text.split('.');
  if (payload === undefined) return undefined;
  let claims: { sub?: unknown; iat?: unknown; exp?: unknown } | null;
  try {
    claims = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as typeof claims;
  } catch {
    return undefined; // tokens of other kinds: whoever made them knows what they are
  }
  if (typeof claims?.exp !== 'number') return undefined;
  const expiresMs = claims.exp * 1000;
  const issuedMs = typeof claims.iat === 'number' ? claims.iat * 1000 : expiresMs - LIFE_MS_DEFAULT;
  const [, namespace = '', account = ''] = SUBJECT.exec(String(claims.sub)) ?? [];
  return { namespace, account, issuedMs, expiresMs };
}

/** The token of a kubeconfig's current context. Throws when the text is no kubeconfig. */
export const tokenIn = (kubeconfig: string): string | undefined =>
  resolveContext(parseKubeConfig(kubeconfig, '/')).user.token || undefined;

/** The token of a kubeconfig where it is one that its own account can ask to be followed by another. */
export function renewableToken(kubeconfig: string): BoundToken | undefined {
  const text = tokenIn(kubeconfig);
  const token = text === undefined ? undefined : readToken(text);
  return token?.account ? token : undefined;
}

/** The same kubeconfig with another token for its current context; all else stays as it is written. */
export function withToken(kubeconfig: string, token: string): string {
  const config = parseKubeConfig(kubeconfig, '/');
  const user = config.contexts.get(config.currentContext ?? '')?.user;
  const document = parseDocument(kubeconfig);
  const users = (document.toJS() as { users?: { name?: string }[] }).users ?? [];
  const at = users.findIndex(({ name }) => name === user);
  if (at < 0) throw new Error(`the kubeconfig has no user "${user ?? ''}"`);
  document.setIn(['users', at, 'user', 'token'], token);
  return document.toString({ lineWidth: 0 });
}
