import { CUSTOM_RESOURCE_DEFINITIONS, type KubeObject } from '#api/kube';
import { isNotFound, type KubeClient } from '#kube/client';
import { UserError } from '../context.ts';
import type { Values } from '../manifests/index.ts';

/** The release that Linkerd names. */
const STANDARD_INSTALL =
  'https://github.com/kubernetes-sigs/gateway-api/releases/download/v1.5.1/standard-install.yaml';

interface Definition extends KubeObject {
  spec?: { versions?: { name: string; served?: boolean }[] };
}

/**
 * Whether to render the Gateway API's definitions: never over ones that somebody else manages. `installGatewayAPI: auto` does
 * what is right; `true` and `false` insist, and are refused where that would break something.
 */
export async function gatewayApiWanted(
  wanted: Values['installGatewayAPI'],
  client: KubeClient | undefined,
  warn: (text: string) => void,
): Promise<boolean> {
  if (!client) {
    if (wanted === 'auto')
      warn('Gateway API CRDs are left out without a look at the cluster; --set installGatewayAPI=true adds them.\n');
    return wanted === true;
  }
  const found = await gatewayDefinition(client);
  if (!found) {
    if (wanted === false)
      throw new UserError(
        `The Gateway API CRDs must be installed prior to installing Linkerd. Run:\n\n    kubectl apply --server-side -f ${STANDARD_INSTALL}\n\nor leave out installGatewayAPI=false.`,
      );
    return true;
  }
  if (found.metadata.annotations?.['linkerd.io/created-by']) {
    if (wanted === false)
      throw new UserError(
        'The Gateway API CRDs were installed by Linkerd; --set installGatewayAPI=false would orphan them.',
      );
    return true;
  }
  if (wanted === true)
    throw new UserError(
      'The Gateway API CRDs are already installed by something else; leave out installGatewayAPI=true.',
    );
  if (!found.spec?.versions?.some((version) => version.name === 'v1' && version.served !== false))
    throw new UserError('The installed Gateway API CRDs do not serve v1: Gateway API v1.1.1 or newer is needed.');
  return false;
}

async function gatewayDefinition(client: KubeClient): Promise<Definition | undefined> {
  for (const name of ['httproutes.gateway.networking.k8s.io', 'grpcroutes.gateway.networking.k8s.io'])
    try {
      return await client.get<Definition>(CUSTOM_RESOURCE_DEFINITIONS, name);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  return undefined;
}
