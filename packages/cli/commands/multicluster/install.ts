import { type Command, Option } from 'commander';
import { parse } from 'yaml';
import {
  type AnyObject,
  CONFIG_MAPS,
  type ConfigMap,
  DEPLOYMENTS,
  ENDPOINT_SLICES,
  type Gvr,
  type KubeObject,
  SERVICES,
} from '#api/kube';
import {
  LINKS,
  type Link,
  MCS,
  MCS_API_VERSION,
  MIRROR,
  SERVICE_EXPORTS,
  SERVICE_IMPORTS,
} from '#extensions/multicluster';
import { ifFound, isNotFound, type KubeClient, parseSelector } from '#kube/client';
import { type CliContext, UserError } from '../../context.ts';
import {
  defaultMulticluster,
  MULTICLUSTER_HA,
  type MulticlusterValues,
  overlayMulticluster,
  renderMulticluster,
} from '../../manifests/multicluster/index.ts';
import { renderManifests } from '../../output/index.ts';
import { definitionsInUse, type SharedApi } from '../definitions.ts';
import { readDuration } from '../duration.ts';
import { addValueFlags, readValueFlags, type ValueFlags } from '../value-flags.ts';

type Format = 'yaml' | 'json';
interface InstallFlags extends ValueFlags {
  gateway?: string | boolean;
  gatewayPort?: string;
  gatewayProbeSeconds?: string;
  gatewayProbePort?: string;
  gatewayServiceType?: string;
  gatewayHealthcheckNodeport?: string;
  serviceMirrorCredentials?: string | boolean;
  ignoreCluster?: boolean;
  ha?: string | boolean;
  wait: string;
  output: Format;
}

/** Go's way to write a switch: `--gateway`, `--gateway=false`. */
export function readSwitch(flag: string, value: string | boolean | undefined, standard: boolean): boolean {
  if (value === undefined) return standard;
  if (typeof value === 'boolean') return value;
  if (value === 'true' || value === 'false') return value === 'true';
  throw new UserError(`${flag}: expected true or false, got "${value}"`);
}

/** A whole number of a flag; undefined when it is not given. */
export function readNumber(flag: string, text: string | undefined, least: number, most: number): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= least && value <= most))
    throw new UserError(`${flag}: expected a whole number from ${least} to ${most}, got "${text}"`);
  return value;
}

const PORT_MAX = 65_535;

export function registerInstall(group: Command, context: CliContext): void {
  const command = group
    .command('install')
    .description('Output Kubernetes configs to install the multicluster extension')
    .option('--gateway [enabled]', 'Whether other clusters may reach this one through a gateway (default: true)')
    .option('--gateway-port <port>', 'Port of the gateway (default: 4143)')
    .option('--gateway-probe-seconds <seconds>', 'How often others probe the gateway (default: 3)')
    .option(
      '--gateway-probe-port <port>',
      'Port at which others probe the gateway; its own port: through that one (default: 4191)',
    )
    .option('--gateway-service-type <type>', "Type of the gateway's Service (default: LoadBalancer)")
    .option('--gateway-healthcheck-nodeport <port>', "Node port for health checks of the gateway's load balancer")
    .option('--service-mirror-credentials [enabled]', 'Make the account that other clusters enter with (default: true)')
    .option('--ignore-cluster', 'Do not look at the cluster')
    .option('--ha [enabled]', 'Three replicas of everything, on different nodes')
    .option('--wait <duration>', 'How long to wait for the control plane to be available', '5m')
    .addOption(new Option('-o, --output <format>', 'Output format').choices(['yaml', 'json']).default('yaml'));
  addValueFlags(command);
  command.action(async (_options, self: Command) => {
    const flags = self.opts<InstallFlags>();
    const waitMs = readDuration('--wait', flags.wait);
    const config = flags.ignoreCluster ? undefined : await installedConfig(context, waitMs);
    const values = await valuesOf(flags, context, config);
    context.io.out(renderManifests(renderMulticluster(values), flags.output));
  });
}

async function installedConfig(context: CliContext, waitMs: number): Promise<LinkerdConfig> {
  const { client } = await context.connect();
  const namespace = context.flags.linkerdNamespace;
  const config = await linkerdConfig(client, namespace, {
    missing: 'you need Linkerd to be installed in order to install multicluster addons',
  });
  await controlPlaneAvailable(client, namespace, waitMs);
  return config;
}

const RETRY_MS = 500;

/** Its webhooks are asked about policies that are applied, and its injector about pods. */
async function controlPlaneAvailable(client: KubeClient, namespace: string, waitMs: number): Promise<void> {
  for (let leftMs = waitMs; ; leftMs -= RETRY_MS) {
    const { items } = await client.list<KubeObject & { status?: { availableReplicas?: number } }>(DEPLOYMENTS, {
      namespace,
      labelSelector: 'linkerd.io/control-plane-component',
    });
    const waiting = items.filter(({ status }) => (status?.availableReplicas ?? 0) < 1);
    if (waiting.length === 0) return;
    if (leftMs <= 0)
      throw new UserError(
        `the control plane is not available: ${waiting.map(({ metadata }) => metadata.name).join(', ')}; see \`check\``,
      );
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

/** Values by rank: defaults, the control plane's, `--ha`, flags, then files and `--set`. */
async function valuesOf(
  flags: InstallFlags,
  context: CliContext,
  config: LinkerdConfig | undefined,
): Promise<MulticlusterValues> {
  const values = defaultMulticluster(context.io.env['LINKERD_DOCKER_REGISTRY'] || undefined);
  values.linkerdNamespace = context.flags.linkerdNamespace;
  if (config) {
    values.identityTrustDomain = config.identityTrustDomain;
    values.cniEnabled = config.cniEnabled;
  }
  if (readSwitch('--ha', flags.ha, false)) overlayMulticluster(values, MULTICLUSTER_HA);
  layFlags(values, flags);
  for (const path of overlayMulticluster(values, await readValueFlags(flags)))
    context.io.err(`warning: there is no value ${path}; it changes nothing\n`);
  const { serviceSelector } = values.gateway;
  if (serviceSelector !== '' && !Object.keys(parseSelector(serviceSelector) ?? {}).length)
    throw new UserError(`gateway.serviceSelector: "${serviceSelector}" is not a label selector`);
  for (const [at, controller] of values.controllers.entries())
    if (!controller.link?.ref?.name) throw new UserError(`controllers[${at}].link.ref.name is required`);
  return values;
}

function layFlags(values: MulticlusterValues, flags: InstallFlags): void {
  const { gateway } = values;
  const port = (flag: string, text: string | undefined): number | undefined => readNumber(flag, text, 1, PORT_MAX);
  gateway.enabled = readSwitch('--gateway', flags.gateway, true);
  gateway.port = port('--gateway-port', flags.gatewayPort) ?? gateway.port;
  gateway.probe.port = port('--gateway-probe-port', flags.gatewayProbePort) ?? gateway.probe.port;
  gateway.probe.seconds =
    readNumber('--gateway-probe-seconds', flags.gatewayProbeSeconds, 1, 3_600) ?? gateway.probe.seconds;
  gateway.serviceType = flags.gatewayServiceType ?? gateway.serviceType;
  gateway.healthCheckNodePort =
    readNumber('--gateway-healthcheck-nodeport', flags.gatewayHealthcheckNodeport, 0, PORT_MAX) ?? 0;
  values.remoteMirrorServiceAccount = readSwitch('--service-mirror-credentials', flags.serviceMirrorCredentials, true);
}

/** Values of the installed control plane, as far as the extension asks for them. */
export interface LinkerdConfig {
  clusterDomain: string;
  identityTrustDomain: string;
  identityTrustAnchorsPEM: string;
  linkerdVersion: string;
  cniEnabled: boolean;
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
      cniEnabled: values.cniEnabled === true,
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

/** What others than the mesh export and import; imports of ours go. */
const SHARED: SharedApi = {
  group: SERVICE_EXPORTS.group,
  name: 'the Multi-Cluster Services API',
  others: `!${MIRROR.mirroredService}`,
};

/** ServiceImports that the controllers made; where their definition goes, they go with it. */
async function ownImports(client: KubeClient, going: readonly AnyObject[]): Promise<AnyObject[]> {
  const definition = `${SERVICE_IMPORTS.resource}.${SERVICE_IMPORTS.group}`;
  if (going.some(({ metadata }) => metadata.name === definition)) return [];
  const labelSelector = `${MIRROR.mirroredService}=true`;
  const found = await ifFound(client.list(SERVICE_IMPORTS, { labelSelector, metadataOnly: true }));
  return (found?.items ?? []).map(({ metadata }) => minimal(MCS_API_VERSION, 'ServiceImport', metadata));
}

/** The fewest words that `kubectl delete -f -` understands. */
export function minimal(apiVersion: string, kind: string, metadata: KubeObject['metadata']): AnyObject {
  const { name = '', namespace } = metadata;
  return { apiVersion, kind, metadata: { name, ...(namespace !== undefined && { namespace }) } };
}

export const listLinks = async (client: KubeClient): Promise<Link[]> =>
  (await ifFound(client.list<Link>(LINKS)))?.items ?? [];

export function registerUninstall(group: Command, context: CliContext): void {
  group
    .command('uninstall')
    .description('Output Kubernetes resources to uninstall the multicluster extension')
    .option('-f, --force', 'Delete the definitions of the Multi-Cluster Services API with what is exported by them')
    .addOption(new Option('-o, --output <format>', 'Output format').choices(['yaml', 'json']).default('yaml'))
    .action(async (flags: { output: Format; force?: boolean }) => {
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
        const kept: readonly KubeObject[] =
          kind === 'CustomResourceDefinition' ? await definitionsInUse(client, items, SHARED, flags, context) : [];
        for (const item of items) if (!kept.includes(item)) objects.push(minimal(apiVersion, kind, item.metadata));
      }
      // Last, when the controller that would make them again is gone: local members leave federated services behind.
      const mirrors = await client.list(SERVICES, {
        labelSelector: `${MIRROR.mirroredService}=true`,
        metadataOnly: true,
      });
      for (const { metadata } of mirrors.items) objects.push(minimal('v1', 'Service', metadata));
      const labelSelector = `${MCS.managedBy}=${MCS.manager}`;
      const slices = await client.list(ENDPOINT_SLICES, { labelSelector, metadataOnly: true });
      for (const { metadata } of slices.items) objects.push(minimal('discovery.k8s.io/v1', 'EndpointSlice', metadata));
      objects.push(...(await ownImports(client, objects)));
      if (objects.length === 0) context.io.err('No resources of the multicluster extension found.\n');
      context.io.out(renderManifests(objects, flags.output));
    });
}
