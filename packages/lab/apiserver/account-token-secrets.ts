import type { AnyObject } from '#api/kube';
import type { ClusterKeys, TokenAuthority } from '#lab/auth';
import { type ClusterClient, hasReason } from '#lab/contract';

const TYPE = 'kubernetes.io/service-account-token';
const ACCOUNT_NAME = 'kubernetes.io/service-account.name';
const ACCOUNT_UID = 'kubernetes.io/service-account.uid';

const SECRETS = { group: '', version: 'v1', resource: 'secrets' } as const;
const ACCOUNTS = { group: '', version: 'v1', resource: 'serviceaccounts' } as const;

export interface AccountTokenSecretsDeps {
  readonly client: ClusterClient;
  readonly tokens: TokenAuthority;
  readonly keys: ClusterKeys;
  readonly log: (line: string) => void;
}

/**
 * Fills Secrets of type kubernetes.io/service-account-token with a token that does not expire, the cluster's CA and the
 * namespace, and removes them with their account. Returns a stop function.
 */
export function keepAccountTokenSecrets(deps: AccountTokenSecretsDeps): () => void {
  const { client, log } = deps;
  const secrets = new Map<string, AnyObject>();
  const accounts = new Map<string, AnyObject>();
  const settle = (secret: AnyObject): void => {
    settleSecret(deps, secret, accounts).catch((error: Error) => {
      if (!hasReason(error, 'NotFound', 'Conflict')) log(`token of Secret ${keyOf(secret)}: ${error.message}`);
    });
  };
  const settleAllOf = (account: AnyObject): void => {
    for (const secret of secrets.values()) if (accountKeyOf(secret) === keyOf(account)) settle(secret);
  };
  const stopAccounts = client.watch<AnyObject>(
    ACCOUNTS,
    {},
    {
      reset: (all) => {
        accounts.clear();
        for (const account of all) accounts.set(keyOf(account), account);
        for (const secret of secrets.values()) settle(secret);
      },
      applied: (account, old) => {
        accounts.set(keyOf(account), account);
        if (!old || old.metadata.uid !== account.metadata.uid) settleAllOf(account);
      },
      deleted: (account) => {
        accounts.delete(keyOf(account));
        settleAllOf(account);
      },
    },
  );
  const stopSecrets = client.watch<AnyObject>(
    SECRETS,
    { fieldSelector: `type=${TYPE}` },
    {
      reset: (all) => {
        secrets.clear();
        for (const secret of all) secrets.set(keyOf(secret), secret);
        for (const secret of all) settle(secret);
      },
      applied: (secret) => {
        secrets.set(keyOf(secret), secret);
        settle(secret);
      },
      deleted: (secret) => {
        secrets.delete(keyOf(secret));
      },
    },
  );
  return () => {
    stopAccounts();
    stopSecrets();
  };
}

const keyOf = ({ metadata }: AnyObject): string => `${metadata.namespace ?? ''}/${metadata.name ?? ''}`;

const accountKeyOf = ({ metadata }: AnyObject): string =>
  `${metadata.namespace ?? ''}/${metadata.annotations?.[ACCOUNT_NAME] ?? ''}`;

/** One Secret: filled if it is not, removed once it was filled for an account that is gone. */
async function settleSecret(
  { client, tokens, keys }: AccountTokenSecretsDeps,
  secret: AnyObject,
  accounts: ReadonlyMap<string, AnyObject>,
): Promise<void> {
  const { name = '', namespace = '', uid = '', annotations = {} } = secret.metadata;
  const account = accounts.get(accountKeyOf(secret));
  const boundUid = annotations[ACCOUNT_UID];
  if (boundUid && boundUid !== account?.metadata.uid) {
    await client.delete(SECRETS, { name, namespace }, { preconditions: { uid } });
    return;
  }
  if (!account) return;
  const data = (secret['data'] ?? {}) as Record<string, string>;
  if (data['token'] && data['ca.crt'] && data['namespace'] && boundUid) return;
  const serviceAccount = { name: account.metadata.name ?? '', uid: account.metadata.uid ?? '' };
  const token = await tokens.issueLegacy({ namespace, serviceAccount, secretName: name });
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  await client.patch(
    SECRETS,
    { name, namespace },
    {
      type: 'merge',
      body: {
        metadata: { uid, annotations: { [ACCOUNT_UID]: serviceAccount.uid } },
        data: {
          token: data['token'] ?? base64(token),
          'ca.crt': base64(keys.ca.certificate),
          namespace: base64(namespace),
        },
      },
    },
  );
}
