import { type Command, Option } from 'commander';
import { parse } from 'yaml';
import { type AnyObject, CONFIG_MAPS, type ConfigMap, type Gvr, type KubeObject } from '#api/kube';
import { LINKS, type Link } from '#extensions/multicluster';
import { isNotFound, type KubeClient } from '#kube/client';
import { type CliContext, UserError } from '../../context.ts';
import { defaultMulticluster, type MulticlusterSettings, renderMulticluster } from '../../manifests/multicluster.ts';
import { renderManifests } from '../../output/index.ts';
import { addValueFlags, readValueFlags, type ValueFlags } from '../value-flags.ts';

type Format = 'yaml' | 'json';
interface InstallFlags extends ValueFlags {
  gateway?: string | boolean;
  ignoreCluster?: boolean;
  ha?: boolean;
  output: Format;
}

/** Go's way to write a switch: `--gateway`, `--gateway=false`. */
export function readSwitch(flag: string, value: string | boolean | undefined, standard: boolean): boolean {
  if (value === undefined) return standard;
  if (typeof value === 'boolean') return value;
  if (value === 'true' || value === 'false') return value === 'true';
  throw new UserError(`${flag}: expected true or false, got "${value}"`);
}

export const NO_GATEWAY =
  'multicluster through a gateway is not available: clusters must share a flat network, where pods reach each other directly.\nRepeat the command with --gateway=false; flat mirrors and federated services then work as documented.';

export function registerInstall(group: Command, context: CliContext): void {
  const command = group
    .command('install')
    .description('Output Kubernetes configs to install the multicluster extension')
    .option('--gateway [enabled]', 'Whether clusters are reached through a gateway; only false is available')
    .option('--ignore-cluster', 'Do not look at the cluster')
    .option('--ha', 'Three replicas of the local mirror')
    .option('--service-mirror-credentials [enabled]', 'Accepted for compatibility')
    .option('--wait <duration>', 'Accepted for compatibility')
    .addOption(new Option('-o, --output <format>', 'Output format').choices(['yaml', 'json']).default('yaml'));
  addValueFlags(command);
  command.action(async (_options, self: Command) => {
    const flags = self.opts<InstallFlags>();
    if (readSwitch('--gateway', flags.gateway, true)) throw new UserError(NO_GATEWAY);
    if (!flags.ignoreCluster) {
      const { client } = await context.connect();
      await linkerdConfig(client, context.flags.linkerdNamespace, {
        missing: 'you need Linkerd to be installed in order to install multicluster addons',
      });
    }
    const { settings, links } = await settingsOf(flags, context);
    context.io.out(renderManifests(renderMulticluster(settings, links), flags.output));
  });
}

/** The chart's values that mean something here. */
interface MulticlusterValues {
  namespace?: string;
  gateway?: { enabled?: boolean };
  enableNamespaceCreation?: boolean;
  controllers?: { link?: { ref?: { name?: string } } }[];
  controllerDefaults?: { replicas?: number; logLevel?: string; logFormat?: string };
}

async function settingsOf(flags: InstallFlags, context: CliContext) {
  const values = (await readValueFlags(flags)) as MulticlusterValues;
  if (values.gateway?.enabled) throw new UserError(NO_GATEWAY);
  const settings: MulticlusterSettings = defaultMulticluster(context.io.env['LINKERD_DOCKER_REGISTRY'] || undefined);
  if (flags.ha) settings.replicas = 3;
  if (values.namespace) settings.namespace = values.namespace;
  if (values.enableNamespaceCreation) settings.enableNamespaceCreation = true;
  const { replicas, logLevel, logFormat } = values.controllerDefaults ?? {};
  if (replicas !== undefined) settings.replicas = replicas;
  if (logLevel) settings.logLevel = logLevel;
  if (logFormat) settings.logFormat = logFormat;
  const links = (values.controllers ?? []).map((controller, at) => {
    const name = controller.link?.ref?.name;
    if (!name) throw new UserError(`controllers[${at}].link.ref.name is required`);
    return name;
  });
  return { settings, links };
}

/** Values of the installed control plane, as far as the extension asks for them. */
export interface LinkerdConfig {
  clusterDomain: string;
  identityTrustDomain: string;
  identityTrustAnchorsPEM: string;
  linkerdVersion: string;
}

export async function linkerdConfig(
  client: KubeClient,
  namespace: string,
  options: { missing: string },
): Promise<LinkerdConfig> {
  try {
    const config = await client.get<ConfigMap>(CONFIG_MAPS, 'linkerd-config', namespace);
    const values = (parse(config.data?.['values'] ?? '') ?? {}) as Partial<LinkerdConfig>;
    const clusterDomain = values.clusterDomain || 'cluster.local';
    return {
      clusterDomain,
      identityTrustDomain: values.identityTrustDomain || clusterDomain,
      identityTrustAnchorsPEM: values.identityTrustAnchorsPEM ?? '',
      linkerdVersion: values.linkerdVersion ?? '',
    };
  } catch (error) {
    if (isNotFound(error)) throw new UserError(options.missing);
    throw error;
  }
}

const rbac = (resource: string): Gvr => ({ group: 'rbac.authorization.k8s.io', version: 'v1', resource });
const UNINSTALLED: readonly { gvr: Gvr; apiVersion: string; kind: string }[] = [
  { gvr: rbac('clusterrolebindings'), apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRoleBinding' },
  { gvr: rbac('clusterroles'), apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole' },
  { gvr: rbac('rolebindings'), apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding' },
  { gvr: rbac('roles'), apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role' },
  {
    gvr: { group: 'apiextensions.k8s.io', version: 'v1', resource: 'customresourcedefinitions' },
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
  },
  { gvr: { group: '', version: 'v1', resource: 'namespaces' }, apiVersion: 'v1', kind: 'Namespace' },
];

/** The fewest words that `kubectl delete -f -` understands. */
export function minimal(apiVersion: string, kind: string, metadata: KubeObject['metadata']): AnyObject {
  const { name = '', namespace } = metadata;
  return { apiVersion, kind, metadata: { name, ...(namespace !== undefined && { namespace }) } };
}

export async function listLinks(client: KubeClient): Promise<Link[]> {
  try {
    return (await client.list<Link>(LINKS)).items;
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}

export function registerUninstall(group: Command, context: CliContext): void {
  group
    .command('uninstall')
    .description('Output Kubernetes resources to uninstall the multicluster extension')
    .addOption(new Option('-o, --output <format>', 'Output format').choices(['yaml', 'json']).default('yaml'))
    .action(async (flags: { output: Format }) => {
      const { client } = await context.connect();
      const links = await listLinks(client);
      if (links.length > 0) {
        const names = links.map((link) => `  * ${link.spec?.targetClusterName || link.metadata.name}\n`);
        throw new UserError(
          `Please unlink the following clusters before uninstalling multicluster:\n${names.join('').trimEnd()}`,
        );
      }
      const objects: AnyObject[] = [];
      for (const { gvr, apiVersion, kind } of UNINSTALLED) {
        const { items } = await client.list(gvr, {
          labelSelector: 'linkerd.io/extension in (multicluster, linkerd-multicluster)',
        });
        for (const { metadata } of items) objects.push(minimal(apiVersion, kind, metadata));
      }
      if (objects.length === 0) context.io.err('No resources of the multicluster extension found.\n');
      context.io.out(renderManifests(objects, flags.output));
    });
}
