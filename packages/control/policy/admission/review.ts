/** Which rules apply to which kind. */
import type { AdmissionAnswer, AdmissionRequest } from '#kube/webhook';
import {
  checkAuthorizationPolicy,
  checkMeshTls,
  checkNetworkAuthentication,
  checkServer,
  checkServerAuthorization,
} from './authorization.ts';
import { checkEgressNetwork, checkRateLimit } from './limits.ts';
import { objectOf, Refusal, type Rule } from './refusal.ts';
import { checkGatewayGrpcRoute, checkGatewayHttpRoute, checkPolicyHttpRoute, checkStreamRoute } from './routes.ts';

const POLICY = 'policy.linkerd.io';
const GATEWAY = 'gateway.networking.k8s.io';

/** `group/Kind` -> rule. Kinds without a row are admitted. */
export const RULES: Readonly<Record<string, Rule>> = {
  [`${POLICY}/AuthorizationPolicy`]: checkAuthorizationPolicy,
  [`${POLICY}/MeshTLSAuthentication`]: checkMeshTls,
  [`${POLICY}/NetworkAuthentication`]: checkNetworkAuthentication,
  [`${POLICY}/Server`]: checkServer,
  [`${POLICY}/ServerAuthorization`]: checkServerAuthorization,
  [`${POLICY}/EgressNetwork`]: checkEgressNetwork,
  [`${POLICY}/HTTPLocalRateLimitPolicy`]: checkRateLimit,
  [`${POLICY}/HTTPRoute`]: checkPolicyHttpRoute,
  [`${GATEWAY}/HTTPRoute`]: checkGatewayHttpRoute,
  [`${GATEWAY}/GRPCRoute`]: checkGatewayGrpcRoute,
  [`${GATEWAY}/TLSRoute`]: checkStreamRoute,
  [`${GATEWAY}/TCPRoute`]: checkStreamRoute,
};

/** Answers a review of a policy object. */
export function reviewPolicy(request: AdmissionRequest): AdmissionAnswer {
  const { group, kind } = request.kind;
  const rule = RULES[`${group}/${kind}`];
  if (!rule || !request.object) return { allowed: true };
  const { metadata } = request.object;
  try {
    const spec = objectOf(request.object, 'spec');
    if (!spec) throw new Refusal('spec is missing');
    rule({ namespace: request.namespace ?? metadata.namespace ?? '', annotations: metadata.annotations ?? {}, spec });
    return { allowed: true };
  } catch (error) {
    if (error instanceof Refusal) return { allowed: false, message: `${kind}: ${error.message}` };
    throw error;
  }
}
