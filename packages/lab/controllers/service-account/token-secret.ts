import type { KubeObject } from '#api/kube';
import { GVRS, type Secret } from '../../kinds/index.ts';
import { type CacheReader, type Controller, NOTHING, type Plan, refOf } from '../../reconcile/index.ts';

const SECRET_TYPE = 'kubernetes.io/service-account-token';
const NAME_ANNOTATION = 'kubernetes.io/service-account.name';
const UID_ANNOTATION = 'kubernetes.io/service-account.uid';

/** Signs a token without expiry for a service account, tied to a Secret (issuer `kubernetes/serviceaccount`). */
export type TokenIssuer = (subject: {
  namespace: string;
  serviceAccount: { name: string; uid: string };
  secret: { name: string; uid: string };
}) => Promise<string>;

export interface TokenObserved {
  secret: Secret;
  account: KubeObject | undefined;
  /** A fresh token, only when the Secret lacks one. */
  token: string | undefined;
}

/** Fills token Secrets and deletes those whose account is gone or was replaced. */
export function tokenSecretController(deps: { issueToken: TokenIssuer; caPem: string }): Controller<TokenObserved> {
  const caData = Buffer.from(deps.caPem).toString('base64');
  return {
    name: 'tokens-controller',
    triggers: [
      { gvr: GVRS.secrets, keys: ({ now }) => (now && isTokenSecret(now) ? [refOf(now)] : []) },
      { gvr: GVRS.serviceAccounts, keys: ({ now, old }, caches) => secretsOf((now ?? old) as KubeObject, caches) },
    ],
    async observe(key, caches) {
      const secret = caches.of<Secret>(GVRS.secrets).byRef(key);
      if (!secret || secret.metadata.deletionTimestamp) return undefined;
      const { name = '', namespace = '', uid = '', annotations } = secret.metadata;
      const account = caches.of(GVRS.serviceAccounts).get(annotations?.[NAME_ANNOTATION] ?? '', namespace);
      const wanted = account && !secret.data?.['token'];
      const serviceAccount = { name: account?.metadata.name ?? '', uid: account?.metadata.uid ?? '' };
      const token = wanted ? await deps.issueToken({ namespace, serviceAccount, secret: { name, uid } }) : undefined;
      return { secret, account, token };
    },
    reconcile: (observed) => reconcileToken(observed, caData),
  };
}

const isTokenSecret = (object: KubeObject): boolean =>
  (object as Secret).type === SECRET_TYPE && object.metadata.annotations?.[NAME_ANNOTATION] !== undefined;

const secretsOf = (account: KubeObject, caches: CacheReader): string[] =>
  caches
    .of<Secret>(GVRS.secrets)
    .list(account.metadata.namespace)
    .filter(
      (secret) => isTokenSecret(secret) && secret.metadata.annotations?.[NAME_ANNOTATION] === account.metadata.name,
    )
    .map(refOf);

function reconcileToken({ secret, account, token }: TokenObserved, caData: string): Plan {
  const tiedTo = secret.metadata.annotations?.[UID_ANNOTATION];
  const uid = account?.metadata.uid;
  if (tiedTo && tiedTo !== uid) return { writes: [{ verb: 'delete', gvr: GVRS.secrets, object: secret }] };
  if (!uid) return NOTHING;
  const { name = '', namespace = '' } = secret.metadata;
  const data = {
    ...(token && { token: Buffer.from(token).toString('base64') }),
    ...(secret.data?.['ca.crt'] !== caData && { 'ca.crt': caData }),
    ...(!secret.data?.['namespace'] && { namespace: Buffer.from(namespace).toString('base64') }),
  };
  if (Object.keys(data).length === 0 && tiedTo) return NOTHING;
  const { resourceVersion } = secret.metadata;
  const merge = { metadata: { resourceVersion, annotations: { [UID_ANNOTATION]: uid } }, data };
  return { writes: [{ verb: 'patch', gvr: GVRS.secrets, name, namespace, merge }] };
}
