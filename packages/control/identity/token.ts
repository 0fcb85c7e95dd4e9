/** Asking the API server whose token this is. */
import type { Gvr, KubeObject } from '#api/kube';
import type { KubeClient } from '#kube/client';
import { identityOf, isCertifiable, type MeshDomain, parseServiceAccountUser } from '#model/names';
import { GrpcError } from '#runtime/grpc';

/** Audience of the tokens that pods get for this service. */
export const IDENTITY_AUDIENCE = 'identity.l5d.io';

const TOKEN_REVIEWS: Gvr = { group: 'authentication.k8s.io', version: 'v1', resource: 'tokenreviews' };

interface TokenReview extends KubeObject {
  spec: { token: string; audiences?: readonly string[] };
  status?: { authenticated?: boolean; user?: { username?: string }; error?: string };
}

/**
 * The identity of the service account that `token` speaks for. Throws INVALID_ARGUMENT when the review fails or the user is no
 * service account, FAILED_PRECONDITION when the token is not authentic, UNAVAILABLE when the API server cannot be asked.
 */
export async function identityOfToken(
  kube: Pick<KubeClient, 'create'>,
  token: string,
  domain: MeshDomain,
): Promise<string> {
  let status = await review(kube, { token, audiences: [IDENTITY_AUDIENCE] });
  // Tokens from before projected volumes have no audience of ours; the API server says so in these words.
  if (status.error?.includes('token audiences')) status = await review(kube, { token });
  if (status.error) throw new GrpcError('INVALID_ARGUMENT', `token review failed: ${status.error}`);
  if (!status.authenticated) throw new GrpcError('FAILED_PRECONDITION', 'the token is not authentic or has expired');
  const account = parseServiceAccountUser(status.user?.username ?? '');
  if (!account)
    throw new GrpcError('INVALID_ARGUMENT', "the token's user is no service account whose name is a DNS label");
  const identity = identityOf(account, domain);
  if (!isCertifiable(identity)) throw new GrpcError('INVALID_ARGUMENT', `"${identity}" is no DNS name`);
  return identity;
}

async function review(
  kube: Pick<KubeClient, 'create'>,
  spec: TokenReview['spec'],
): Promise<NonNullable<TokenReview['status']>> {
  try {
    const answer = await kube.create<TokenReview>(TOKEN_REVIEWS, {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      metadata: {},
      spec,
    });
    return answer.status ?? {};
  } catch (error) {
    throw new GrpcError(
      'UNAVAILABLE',
      `cannot review tokens: ${error instanceof Error ? error.message : error}`,
      error,
    );
  }
}
