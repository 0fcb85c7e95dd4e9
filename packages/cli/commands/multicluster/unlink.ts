import { type Command, Option } from 'commander';
import {
  type AnyObject,
  CLUSTER_ROLE_BINDINGS,
  CLUSTER_ROLES,
  DEPLOYMENTS,
  type Gvr,
  ROLE_BINDINGS,
  ROLES,
  SECRETS,
  SERVICE_ACCOUNTS,
  SERVICES,
} from '#api/kube';
import { CREDENTIALS, LINKS, type Link, MIRROR } from '#extensions/multicluster';
import { isNotFound, type KubeClient } from '#kube/client';
import { type CliContext, UserError } from '../../context.ts';
import { controllerNames, legacyNames } from '../../manifests/multicluster/index.ts';
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
      const link = await linkNamed(client, flags);
      const objects = await controllerObjects(client, flags, context.flags.linkerdNamespace);
      if (!flags.onlyController) objects.push(...(await linkObjects(client, link, flags)));
      context.io.out(renderManifests(objects, flags.output));
    });
}

async function linkNamed(client: KubeClient, { clusterName, namespace }: UnlinkFlags): Promise<Link> {
  try {
    return await client.get<Link>(LINKS, clusterName, namespace);
  } catch (error) {
    if (isNotFound(error)) throw new UserError(`there is no Link ${clusterName} in namespace ${namespace}`);
    throw error;
  }
}

const RBAC = 'rbac.authorization.k8s.io/v1';

/** The controller goes first, so that it does not put back what follows. Of the ones that `link` once printed, what there is. */
async function controllerObjects(
  client: KubeClient,
  flags: UnlinkFlags,
  linkerdNamespace: string,
): Promise<AnyObject[]> {
  const { clusterName, namespace } = flags;
  const names = controllerNames(clusterName);
  const current = [
    minimal('apps/v1', 'Deployment', { name: names.deployment, namespace }),
    minimal(RBAC, 'ClusterRoleBinding', { name: names.clusterRoleBinding }),
    minimal(RBAC, 'RoleBinding', { name: names.roleBinding, namespace }),
    minimal(RBAC, 'Role', { name: names.role, namespace }),
    minimal(RBAC, 'RoleBinding', { name: names.renewalRole, namespace: linkerdNamespace }),
    minimal(RBAC, 'Role', { name: names.renewalRole, namespace: linkerdNamespace }),
    minimal('v1', 'ServiceAccount', { name: names.serviceAccount, namespace }),
    minimal('v1', 'Service', { name: names.probe, namespace }),
  ];
  const legacy = legacyNames(clusterName);
  const standing = await Promise.all(
    LEGACY.map(async ([gvr, apiVersion, kind, part]) => {
      const at = NAMESPACED.has(kind) ? namespace : undefined;
      const name = legacy[part];
      const metadata = { name, ...(at !== undefined && { namespace: at }) };
      return (await exists(client, gvr, name, at)) ? [minimal(apiVersion, kind, metadata)] : [];
    }),
  );
  return [...current, ...standing.flat()];
}

const LEGACY: readonly (readonly [Gvr, string, string, keyof ReturnType<typeof legacyNames>])[] = [
  [DEPLOYMENTS, 'apps/v1', 'Deployment', 'deployment'],
  [CLUSTER_ROLE_BINDINGS, RBAC, 'ClusterRoleBinding', 'clusterRoleBinding'],
  [CLUSTER_ROLES, RBAC, 'ClusterRole', 'clusterRole'],
  [ROLE_BINDINGS, RBAC, 'RoleBinding', 'roleBinding'],
  [ROLES, RBAC, 'Role', 'role'],
  [SERVICE_ACCOUNTS, 'v1', 'ServiceAccount', 'serviceAccount'],
  [SERVICES, 'v1', 'Service', 'probe'],
];
const NAMESPACED = new Set(['Deployment', 'RoleBinding', 'Role', 'ServiceAccount', 'Service']);

async function exists(client: KubeClient, gvr: Gvr, name: string, namespace?: string): Promise<boolean> {
  try {
    await client.get(gvr, name, namespace);
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

/** Members of federated services are taken out by the local mirror once the Link is gone. */
async function linkObjects(
  client: KubeClient,
  link: Link,
  { clusterName, namespace }: UnlinkFlags,
): Promise<AnyObject[]> {
  const cluster = link.spec?.targetClusterName || clusterName;
  const mirrors = await client.list(SERVICES, {
    labelSelector: `${MIRROR.mirroredService}=true,${MIRROR.clusterName}=${cluster}`,
  });
  const secrets = await client.list(SECRETS, {
    labelSelector: `${CREDENTIALS.clusterNameLabel}=${cluster}`,
    metadataOnly: true,
  });
  return [
    minimal('multicluster.linkerd.io/v1alpha3', 'Link', { name: clusterName, namespace }),
    minimal('coordination.k8s.io/v1', 'Lease', { name: controllerNames(clusterName).lease, namespace }),
    minimal('v1', 'Secret', {
      name: link.spec?.clusterCredentialsSecret || CREDENTIALS.secretName(clusterName),
      namespace,
    }),
    ...secrets.items.map(({ metadata }) => minimal('v1', 'Secret', metadata)),
    ...mirrors.items.map(({ metadata }) => minimal('v1', 'Service', metadata)),
  ];
}
