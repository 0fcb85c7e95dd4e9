import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { ServerAccess } from '../client/session.ts';
import { TokenFile } from './token-file.ts';

const FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount';

/** True in a pod that mounts a service account's token. */
export const isInCluster = (env: NodeJS.ProcessEnv = process.env): boolean =>
  Boolean(env['KUBERNETES_SERVICE_HOST'] && env['KUBERNETES_SERVICE_PORT']);

/** The pod's own service account. The token file is re-read as the kubelet rotates it. */
export function inClusterAccess(env: NodeJS.ProcessEnv = process.env, folder: string = FOLDER): ServerAccess {
  const host = env['KUBERNETES_SERVICE_HOST'];
  const port = env['KUBERNETES_SERVICE_PORT'];
  if (!host || !port)
    throw new Error('not in a cluster: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set');
  const token = new TokenFile(`${folder}/token`);
  let ca: string | undefined;
  return {
    server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    async tls() {
      ca ??= await readFile(`${folder}/ca.crt`, 'utf8');
      return { ca, version: createHash('sha256').update(ca).digest('hex') };
    },
    headers: async (stale = false) => ({ authorization: `Bearer ${await token.read(stale)}` }),
  };
}

/** The namespace of the pod this runs in. */
export async function inClusterNamespace(folder: string = FOLDER): Promise<string> {
  return (await readFile(`${folder}/namespace`, 'utf8')).trim();
}
