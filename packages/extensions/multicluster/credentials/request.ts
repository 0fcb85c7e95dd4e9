import { SERVICE_ACCOUNTS } from '#api/kube';
import { ApiError, type KubeClient, resourcePath } from '#kube/client';

/** Asks a cluster for a bound token of a service account (TokenRequest). Rejects with what the cluster says. */
export async function requestToken(
  client: Pick<KubeClient, 'raw'>,
  account: { namespace: string; name: string },
  lifeSeconds: number,
): Promise<string> {
  const path = resourcePath(SERVICE_ACCOUNTS, { ...account, subresource: 'token' });
  const body = JSON.stringify({
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { expirationSeconds: lifeSeconds },
  });
  const answer = await client.raw(path, {
    method: 'POST',
    body,
    contentType: 'application/json',
  });
  if (answer.status < 200 || answer.status > 299) throw ApiError.fromResponse(answer.status, answer.body);
  const { status } = JSON.parse(answer.body) as { status?: { token?: string } };
  if (!status?.token)
    throw new Error(`the answer to a TokenRequest for ${account.namespace}/${account.name} holds no token`);
  return status.token;
}
