import { type Command, Option } from 'commander';
import { type AnyObject, SECRETS, SERVICES } from '#api/kube';
import { CREDENTIALS, LINKS, type Link, MIRROR } from '#extensions/multicluster';
import { isNotFound, type KubeClient } from '#kube/client';
import { type CliContext, UserError } from '../../context.ts';
import { controllerNames } from '../../manifests/multicluster.ts';
import { renderManifests } from '../../output/index.ts';
import { minimal } from './install.ts';

interface UnlinkFlags {
  clusterName: string;
  namespace: string;
  onlyController?: boolean;
  output: 'yaml' | 'json';
}

/** `multicluster unlink`: what to delete so that nothing of a linked cluster remains. */
export function registerUnlink(group: Command, context: CliContext): void {
  group
    .command('unlink')
    .description('Output link resources for deletion')
    .requiredOption('--cluster-name <name>', 'Cluster to unlink')
    .option('--namespace <namespace>', 'Namespace of the Link', 'linkerd-multicluster')
    .option('--only-controller', 'Only the mirror controller')
    .addOption(new Option('-o, --output <format>', 'Output format').choices(['yaml', 'json']).default('yaml'))
    .action(async (flags: UnlinkFlags) => {
      const { client } = await context.connect();
      const objects = controllerObjects(flags);
      if (!flags.onlyController) objects.push(...(await linkObjects(client, flags)));
      context.io.out(renderManifests(objects, flags.output));
    });
}

const RBAC = 'rbac.authorization.k8s.io/v1';

/** The controller goes first, so that it does not put back what follows. */
function controllerObjects({ clusterName, namespace }: UnlinkFlags): AnyObject[] {
  const names = controllerNames(clusterName);
  return [
    minimal('apps/v1', 'Deployment', { name: names.deployment, namespace }),
    minimal(RBAC, 'ClusterRoleBinding', { name: names.clusterRoleBinding }),
    minimal(RBAC, 'RoleBinding', { name: names.roleBinding, namespace }),
    minimal(RBAC, 'Role', { name: names.role, namespace }),
    minimal('v1', 'ServiceAccount', { name: names.serviceAccount, namespace }),
  ];
}

/** Members of federated services are taken out by the local mirror once the Link is gone. */
async function linkObjects(client: KubeClient, { clusterName, namespace }: UnlinkFlags): Promise<AnyObject[]> {
  try {
    await client.get<Link>(LINKS, clusterName, namespace);
  } catch (error) {
    if (isNotFound(error)) throw new UserError(`there is no Link ${clusterName} in namespace ${namespace}`);
    throw error;
  }
  const mirrors = await client.list(SERVICES, {
    labelSelector: `${MIRROR.mirroredService}=true,${MIRROR.clusterName}=${clusterName}`,
  });
  const secrets = await client.list(SECRETS, {
    labelSelector: `${CREDENTIALS.clusterNameLabel}=${clusterName}`,
    metadataOnly: true,
  });
  return [
    minimal('multicluster.linkerd.io/v1alpha3', 'Link', { name: clusterName, namespace }),
    minimal('coordination.k8s.io/v1', 'Lease', { name: controllerNames(clusterName).lease, namespace }),
    minimal('v1', 'Secret', { name: CREDENTIALS.secretName(clusterName), namespace }),
    ...secrets.items.map(({ metadata }) => minimal('v1', 'Secret', metadata)),
    ...mirrors.items.map(({ metadata }) => minimal('v1', 'Service', metadata)),
  ];
}
