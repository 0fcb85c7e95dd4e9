import type { KeyPairPem } from './certificates.ts';

/** One cluster in a kubeconfig: cluster, user and context bear its name. */
export interface KubeconfigCluster {
  readonly name: string;
  /** E.g. `https://127.0.0.1:6443`. */
  readonly server: string;
  /** The cluster's CA certificate as PEM. */
  readonly ca: string;
  /** Absent: no user, as in kube-public/cluster-info. */
  readonly credentials?: KeyPairPem | { readonly token: string };
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** A kubeconfig (JSON, which is YAML) over the given clusters; the first is current. */
export function kubeconfig(clusters: readonly KubeconfigCluster[]): string {
  const withUser = clusters.filter(({ credentials }) => credentials);
  return `${JSON.stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: clusters.map(({ name, server, ca }) => ({
        name,
        cluster: { server, 'certificate-authority-data': base64(ca) },
      })),
      users: withUser.map(({ name, credentials }) => ({ name, user: userOf(credentials!) })),
      contexts: withUser.map(({ name }) => ({ name, context: { cluster: name, user: name } })),
      'current-context': withUser[0]?.name ?? '',
      preferences: {},
    },
    undefined,
    2,
  )}\n`;
}

const userOf = (credentials: NonNullable<KubeconfigCluster['credentials']>): Record<string, string> =>
  'token' in credentials
    ? { token: credentials.token }
    : {
        'client-certificate-data': base64(credentials.certificate),
        'client-key-data': base64(credentials.key),
      };
