import { isIP } from 'node:net';
import { parse } from 'yaml';
import { CONFIG_MAPS, type ConfigMap, type KubeObject, SECRETS } from '#api/kube';
import { requestToken } from '#extensions/multicluster';
import { isNotFound, type KubeClient } from '#kube/client';
import { type CliContext, type Connection, UserError } from '../../context.ts';
import { toYaml } from '../../output/index.ts';

interface Secret extends KubeObject {
  type?: string;
  data?: Record<string, string>;
}

/** Controllers fill a token Secret about a second after it was made; this is when to stop waiting. */
const TOKEN_WAIT_MS = 10_000;
const TOKEN_RETRY_MS = 250;

/** A self-contained kubeconfig with which others enter this cluster as a service account. */
export async function remoteKubeconfig(
  context: CliContext,
  connection: Connection,
  wanted: {
    cluster: string;
    namespace: string;
    account: string;
    apiServerAddress?: string;
    /** Life of a bound token; without, the account's lasting one is taken. */
    tokenSeconds?: number;
  },
): Promise<string> {
  const { cluster, namespace, account, tokenSeconds } = wanted;
  const secret = tokenSeconds === undefined ? await tokenSecret(connection.client, namespace, account) : undefined;
  const token = secret
    ? decode(secret.data?.['token'])
    : await requestToken(connection.client, { namespace, name: account }, tokenSeconds ?? 0);
  const tls = await connection.access.tls();
  const address = await serverAddress(context, connection, wanted.apiServerAddress);
  const ca = address.ca ?? tls.ca ?? decode(secret?.data?.['ca.crt']);
  const name = account;
  return toYaml({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': cluster,
    contexts: [{ name: cluster, context: { cluster, user: name } }],
    clusters: [
      {
        name: cluster,
        cluster: {
          server: address.server,
          ...(ca && { 'certificate-authority-data': Buffer.from(ca).toString('base64') }),
          ...(tls.rejectUnauthorized === false && !ca && { 'insecure-skip-tls-verify': true }),
          ...(tls.servername && address.own && { 'tls-server-name': tls.servername }),
        },
      },
    ],
    users: [{ name, user: { token } }],
  });
}

async function tokenSecret(client: KubeClient, namespace: string, account: string): Promise<Secret> {
  for (let leftMs = TOKEN_WAIT_MS; ; leftMs -= TOKEN_RETRY_MS) {
    const { items } = await client.list<Secret>(SECRETS, { namespace });
    const ofAccount = items.filter(
      ({ type, metadata }) =>
        type === 'kubernetes.io/service-account-token' &&
        metadata.annotations?.['kubernetes.io/service-account.name'] === account,
    );
    const filled = ofAccount.find(({ data }) => data?.['token']);
    if (filled) return filled;
    if (ofAccount.length === 0 || leftMs <= 0)
      throw new UserError(
        `could not find service account token secret for ${account} in namespace ${namespace}; is the multicluster extension installed in the cluster that is to be linked?`,
      );
    await new Promise((resolve) => setTimeout(resolve, TOKEN_RETRY_MS));
  }
}

interface Address {
  server: string;
  /** PEM of the authority that goes with it, where known. */
  ca?: string;
  /** It is the address that we use ourselves. */
  own: boolean;
}

/** Our kubeconfig's address, unless it is one that only this machine understands. */
async function serverAddress(context: CliContext, connection: Connection, given: string | undefined): Promise<Address> {
  if (given !== undefined) return { server: given, own: false };
  const { server } = connection.access;
  if (!isLoopback(new URL(server).hostname)) return { server, own: true };
  const advertised = await clusterInfo(connection.client);
  if (!advertised) {
    context.io.err(
      `warning: the kubeconfig's server ${server} is a loopback address and the cluster advertises no other; pass --api-server-address\n`,
    );
    return { server, own: true };
  }
  context.io.err(
    `The kubeconfig's server ${server} is a loopback address: using ${advertised.server}, which the cluster advertises in ConfigMap kube-public/cluster-info.\n`,
  );
  return { ...advertised, own: false };
}

async function clusterInfo(client: KubeClient): Promise<{ server: string; ca?: string } | undefined> {
  let info: ConfigMap;
  try {
    info = await client.get<ConfigMap>(CONFIG_MAPS, 'cluster-info', 'kube-public');
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
  const config = parse(info.data?.['kubeconfig'] ?? '') as {
    clusters?: { cluster?: { server?: string; 'certificate-authority-data'?: string } }[];
  } | null;
  const cluster = config?.clusters?.[0]?.cluster;
  if (!cluster?.server) return undefined;
  const ca = decode(cluster['certificate-authority-data']);
  return { server: cluster.server, ...(ca && { ca }) };
}

export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '').toLowerCase();
  if (isIP(bare) === 4) return bare.startsWith('127.');
  return bare === '::1' || bare === 'localhost' || bare.endsWith('.localhost');
}

const decode = (base64: string | undefined): string => Buffer.from(base64 ?? '', 'base64').toString('utf8');
