import { type Command, Option } from 'commander';
import {
  type AnyObject,
  CLUSTER_ROLE_BINDINGS,
  CLUSTER_ROLES,
  DEPLOYMENTS,
  type Gvr,
  LEASES,
  POD_DISRUPTION_BUDGETS,
  ROLE_BINDINGS,
  ROLES,
  SECRETS,
  SERVICE_ACCOUNTS,
  SERVICES,
} from '#api/kube';
import { CREDENTIALS, LINKS, type Link, MIRROR } from '#extensions/multicluster';
import { ifFound, type KubeClient } from '#kube/client';
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
      // Undefined when it was deleted by hand: what belongs to it is known by name.
      const link = await ifFound(client.get<Link>(LINKS, flags.clusterName, flags.namespace));
      const controller = await standing(client, controllerParts(flags, context.flags.linkerdNamespace));
      const rest = flags.onlyController ? [] : await linkObjects(client, link, flags);
      if (controller.length + rest.length === 0) throw await nothingLeft(client, link, flags);
      context.io.out(renderManifests([...controller, ...rest], flags.output));
    });
}

async function nothingLeft(client: KubeClient, link: Link | undefined, flags: UnlinkFlags): Promise<UserError> {
  const { clusterName, namespace, onlyController } = flags;
  if (link) return new UserError(`Link ${clusterName} in namespace ${namespace} has no mirror controller`);
  const what = onlyController ? 'a mirror controller that it left' : 'anything that it left';
  return new UserError(
    `there is no Link ${clusterName} in namespace ${namespace}: expected it, or ${what}; saw ${await linksSeen(client)}`,
  );
}

async function linksSeen(client: KubeClient): Promise<string> {
  const found = await ifFound(client.list(LINKS, { metadataOnly: true }));
  if (!found) return 'no definition of Links';
  const names = found.items.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`).sort();
  return names.length > 0 ? `Links ${names.join(', ')}` : 'no Links';
}

/** Something that may be there: its resource, and how it is named in a manifest. */
interface Part {
  gvr: Gvr;
  kind: string;
  name: string;
  /** Absent: cluster-scoped. */
  namespace?: string;
}

/** The controller goes first, so that it does not put back what follows; both the ones of today and those that `link` once printed. */
function controllerParts({ clusterName, namespace }: UnlinkFlags, linkerdNamespace: string): Part[] {
  const now = controllerNames(clusterName);
  const renewal = { name: now.renewalRole, namespace: linkerdNamespace };
  return [
    ...partsOf(now, namespace),
    { gvr: ROLE_BINDINGS, kind: 'RoleBinding', ...renewal },
    { gvr: ROLES, kind: 'Role', ...renewal },
    ...partsOf(legacyNames(clusterName), namespace),
    { gvr: CLUSTER_ROLES, kind: 'ClusterRole', name: legacyNames(clusterName).clusterRole },
  ];
}

/** Of one generation: all but its ClusterRole, which controllers of today share. */
const partsOf = (names: ReturnType<typeof legacyNames>, namespace: string): Part[] => [
  { gvr: DEPLOYMENTS, kind: 'Deployment', name: names.deployment, namespace },
  { gvr: POD_DISRUPTION_BUDGETS, kind: 'PodDisruptionBudget', name: names.deployment, namespace },
  { gvr: CLUSTER_ROLE_BINDINGS, kind: 'ClusterRoleBinding', name: names.clusterRoleBinding },
  { gvr: ROLE_BINDINGS, kind: 'RoleBinding', name: names.roleBinding, namespace },
  { gvr: ROLES, kind: 'Role', name: names.role, namespace },
  { gvr: SERVICE_ACCOUNTS, kind: 'ServiceAccount', name: names.serviceAccount, namespace },
  { gvr: SERVICES, kind: 'Service', name: names.probe, namespace },
];

/** Those of them that are there, so that what is printed can be deleted as it is. */
async function standing(client: KubeClient, parts: readonly Part[]): Promise<AnyObject[]> {
  const found = await Promise.all(
    parts.map(async ({ gvr, kind, name, namespace }) => {
      const metadata = { name, ...(namespace !== undefined && { namespace }) };
      const isThere = await ifFound(client.get(gvr, name, namespace));
      return isThere ? [minimal(apiVersionOf(gvr), kind, metadata)] : [];
    }),
  );
  return found.flat();
}

const apiVersionOf = ({ group, version }: Gvr): string => (group === '' ? version : `${group}/${version}`);

/** Members of federated services are taken out by the local mirror once the Link is gone. */
async function linkObjects(
  client: KubeClient,
  link: Link | undefined,
  { clusterName, namespace }: UnlinkFlags,
): Promise<AnyObject[]> {
  const cluster = link?.spec?.targetClusterName || clusterName;
  const credentials = link?.spec?.clusterCredentialsSecret || CREDENTIALS.secretName(clusterName);
  const own = await standing(client, [
    { gvr: LINKS, kind: 'Link', name: clusterName, namespace },
    { gvr: LEASES, kind: 'Lease', name: controllerNames(clusterName).lease, namespace },
    { gvr: SECRETS, kind: 'Secret', name: credentials, namespace },
  ]);
  const secrets = await client.list(SECRETS, {
    labelSelector: `${CREDENTIALS.clusterNameLabel}=${cluster}`,
    metadataOnly: true,
  });
  const others = secrets.items.filter(
    ({ metadata: { name, ...at } }) => name !== credentials || at.namespace !== namespace,
  );
  const mirrors = await client.list(SERVICES, {
    labelSelector: `${MIRROR.mirroredService}=true,${MIRROR.clusterName}=${cluster}`,
    metadataOnly: true,
  });
  return [
    ...own,
    ...others.map(({ metadata }) => minimal('v1', 'Secret', metadata)),
    ...mirrors.items.map(({ metadata }) => minimal('v1', 'Service', metadata)),
  ];
}
