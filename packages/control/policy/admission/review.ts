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
import { Malformed, objectOf, Refusal, type Rule } from './refusal.ts';
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

/**
 * Answers a review of a policy object. Objects of the Gateway API that cannot be read pass with a warning: other controllers may be
 * able to. What is about to be deleted passes, so that it can be.
 */
export function reviewPolicy(request: AdmissionRequest): AdmissionAnswer {
  const { group, kind } = request.kind;
  const rule = RULES[`${group}/${kind}`];
  if (!rule || !request.object || request.object.metadata.deletionTimestamp) return { allowed: true };
  const { metadata } = request.object;
  // The same may hold of many rules and is said once.
  const warnings = new Set<string>();
  try {
    const spec = objectOf(request.object, 'spec');
    if (!spec) throw new Malformed('spec is missing');
    const namespace = request.namespace ?? metadata.namespace ?? '';
    rule({ namespace, annotations: metadata.annotations ?? {}, spec }, (message) =>
      warnings.add(`${kind}: ${message}`),
    );
    return warnings.size > 0 ? { allowed: true, warnings: [...warnings] } : { allowed: true };
  } catch (error) {
    if (error instanceof Malformed && group === GATEWAY)
      return { allowed: true, warnings: [`${kind}: ${error.message}: the mesh does not use it`] };
    if (error instanceof Refusal) return { allowed: false, message: `${kind}: ${error.message}` };
    throw error;
  }
}
