import { type Command, Option } from 'commander';
import type { AnyObject } from '#api/kube';
import { DEFAULT_SELECTORS, type Link, type LinkSpec } from '#extensions/multicluster';
import { createKubeClient, parseSelector } from '#kube/client';
import { loadAccess } from '#kube/config';
import { type CliContext, UserError } from '../../context.ts';
import {
  defaultMulticluster,
  linkController,
  MULTICLUSTER_HA,
  type MulticlusterValues,
  overlayMulticluster,
  REMOTE_ACCESS_ACCOUNT,
  renderLink,
} from '../../manifests/multicluster/index.ts';
import { toYaml } from '../../output/index.ts';
import { readDuration } from '../duration.ts';
import { addValueFlags, readValueFlags, type ValueFlags } from '../value-flags.ts';
import { gatewaySpec, refusedServices } from './gateway-spec.ts';
import { linkerdConfig, readNumber, readSwitch } from './install.ts';
import { exportsOf, planLink, planTable, type Source, servicesOf, sourceOf } from './plan.ts';
import { remoteKubeconfig } from './remote-kubeconfig.ts';

interface LinkFlags extends Partial<ValueFlags> {
  clusterName?: string;
  namespace: string;
  apiServerAddress?: string;
  serviceAccountName: string;
  tokenDuration?: string;
  gateway?: string | boolean;
  gatewayName: string;
  gatewayNamespace: string;
  gatewayAddresses?: string;
  gatewayPort?: string;
  gatewayProbePort?: string;
  selector: string;
  remoteDiscoverySelector: string;
  federatedServiceSelector: string;
  excludedAnnotations?: string;
  excludedLabels?: string;
  output: 'yaml' | 'json';
  logLevel?: string;
  logFormat?: string;
  controlPlaneVersion?: string;
  registry?: string;
  serviceMirrorRetryLimit?: string;
  ha?: boolean;
  plan?: string | boolean;
}

/**
 * `multicluster link-gen` prints the Link and its credentials; `multicluster link` also the mirror controller. Both look at
 * the target cluster; their output is applied to the source.
 */
export function registerLink(group: Command, context: CliContext): void {
  addFlags(
    group
      .command('link-gen')
      .description('Output resources that allow another cluster to mirror services from this one'),
  )
    .option(
      '--plan [context]',
      'Instead of resources, list what would be mirrored; with the kubeconfig context of the source cluster, against what it has',
    )
    .action((_options, self: Command) => link(self.opts<LinkFlags>(), context, false));
  const withController = addFlags(
    group.command('link').description('Output resources that link this cluster, with the controller for the Link'),
  )
    .option('--log-level <level>', 'Log level of the controller')
    .option('--log-format <format>', 'Log format of the controller: plain or json')
    .option('--control-plane-version <version>', 'Version of the controller')
    .option('--registry <registry>', 'Where the image of the controller comes from')
    .option('--service-mirror-retry-limit <times>', 'How often failed writes are tried again almost at once')
    .option('--ha', 'Three replicas of the controller');
  addValueFlags(withController);
  withController.action((_options, self: Command) => link(self.opts<LinkFlags>(), context, true));
}

function addFlags(command: Command): Command {
  return command
    .option('--cluster-name <name>', 'Name of this cluster, as others will call it')
    .option('--namespace <namespace>', 'Namespace of the extension', 'linkerd-multicluster')
    .option('--api-server-address <url>', 'Address of this cluster as others reach it')
    .option('--service-account-name <name>', 'Account that others enter with', REMOTE_ACCESS_ACCOUNT)
    .option(
      '--token-duration <duration>',
      'Enter with a bound token of this life, which the controller renews; default: with the lasting one of the account',
    )
    .option('--gateway [enabled]', 'Whether this cluster is reached through a gateway (default: true)')
    .option('--gateway-name <name>', "Name of the gateway's Service", 'linkerd-gateway')
    .option('--gateway-namespace <namespace>', "Namespace of the gateway's Service", 'linkerd-multicluster')
    .option(
      '--gateway-addresses <addresses>',
      'Where others reach the gateway, comma-separated; default: as its Service says',
    )
    .option('--gateway-port <port>', 'At which port others reach the gateway; default: as its Service says')
    .option(
      '--gateway-probe-port <port>',
      'At which port others probe the gateway; its own port: through that one; default: as its Service says',
    )
    .option('-l, --selector <selector>', 'Services to reach through the gateway', DEFAULT_SELECTORS.selector)
    .option('--remote-discovery-selector <selector>', 'Services to mirror flat', DEFAULT_SELECTORS.remoteDiscovery)
    .option('--federated-service-selector <selector>', 'Members of federated services', DEFAULT_SELECTORS.federated)
    .option('--excluded-annotations <keys>', 'Annotations not to copy, comma-separated; group/* excludes a group')
    .option('--excluded-labels <keys>', 'Labels not to copy, likewise')
    .addOption(new Option('-o, --output <format>', 'Output format').choices(['yaml', 'json']).default('yaml'));
}

async function link(flags: LinkFlags, context: CliContext, withController: boolean): Promise<void> {
  const cluster = flags.clusterName;
  if (!cluster) throw new UserError('you need to specify cluster name');
  if (cluster.length > 63 || !/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(cluster))
    throw new UserError(`--cluster-name: "${cluster}" is not a DNS label, which names of mirrors end with`);
  const throughGateway = readSwitch('--gateway', flags.gateway, true);
  if (!throughGateway) refuseGatewayFlags(flags);
  const port = readNumber('--gateway-port', flags.gatewayPort, 0, 65_535);
  const probePort = readNumber('--gateway-probe-port', flags.gatewayProbePort, 1, 65_535);
  const spec = specOf(flags, throughGateway);
  const values = await valuesOf(flags, context);
  const connection = await context.connect();
  const config = await linkerdConfig(connection.client, context.flags.linkerdNamespace, {
    missing: 'Linkerd is not installed in the cluster that is to be linked: ConfigMap linkerd-config does not exist',
  });
  const choice = {
    name: flags.gatewayName,
    namespace: flags.gatewayNamespace,
    addresses: flags.gatewayAddresses,
    port: port || undefined,
    probePort,
  };
  const gateway = throughGateway ? await gatewaySpec(connection.client, choice) : {};
  if (throughGateway) {
    const refused = await refusedServices(connection.client, choice, spec);
    if (refused.names.length > 0)
      context.io.err(`warning: the gateway reaches ${refused.reaches}, and will refuse ${refused.names.join(', ')}\n`);
  }
  if (flags.plan) {
    const target = { targetClusterName: cluster, targetClusterDomain: config.clusterDomain };
    await plan({ metadata: { name: cluster }, spec: { ...target, ...gateway, ...spec } }, flags, context);
    return;
  }
  const kubeconfig = await remoteKubeconfig(context, connection, {
    cluster,
    namespace: flags.namespace,
    account: flags.serviceAccountName,
    ...(flags.tokenDuration !== undefined && { tokenSeconds: readTokenLife(flags.tokenDuration) }),
    ...(flags.apiServerAddress !== undefined && { apiServerAddress: flags.apiServerAddress }),
  });
  const objects = renderLink(values, {
    cluster,
    linkerdNamespace: context.flags.linkerdNamespace,
    clusterDomain: config.clusterDomain,
    trustDomain: config.identityTrustDomain,
    kubeconfig,
    spec: { ...gateway, ...spec },
  });
  if (withController) {
    const own = throughGateway ? {} : { gateway: { enabled: false } };
    objects.push(...linkController(values, { link: { ref: { name: cluster } }, ...own }));
  }
  context.io.out(render(objects, flags.output));
}

/** API servers issue none that is shorter. */
const TOKEN_SECONDS_MIN = 600;

function readTokenLife(text: string): number {
  const seconds = Math.round(readDuration('--token-duration', text) / 1000);
  if (seconds < TOKEN_SECONDS_MIN)
    throw new UserError(`--token-duration: expected at least ${TOKEN_SECONDS_MIN / 60}m, got "${text}"`);
  return seconds;
}

/** Names what the mirror controller of the source cluster would do. */
async function plan(wanted: Link, { plan: against, output }: LinkFlags, context: CliContext): Promise<void> {
  const { client } = await context.connect();
  const remote = await servicesOf(client);
  let source: Source;
  if (typeof against === 'string') {
    const near = createKubeClient(await loadAccess({ ...context.flags, context: against }, context.io.env));
    try {
      source = await sourceOf(near);
    } finally {
      near.close();
    }
  }
  const rows = planLink(wanted, remote, source, await exportsOf(client));
  if (output === 'json') context.io.out(`${JSON.stringify(rows, null, 2)}\n`);
  else if (rows.length > 0) context.io.out(planTable(rows));
  else context.io.err('No Service of this cluster would be mirrored.\n');
}

/** Each document is followed by a separator, so that several links can be concatenated. */
const render = (objects: readonly AnyObject[], format: 'yaml' | 'json'): string =>
  objects.map((object) => (format === 'json' ? `${JSON.stringify(object)}\n` : `${toYaml(object)}---\n`)).join('');

function refuseGatewayFlags({ selector, gatewayAddresses, gatewayPort, gatewayProbePort }: LinkFlags): void {
  const given = [
    selector !== DEFAULT_SELECTORS.selector && '--selector',
    gatewayAddresses !== undefined && '--gateway-addresses',
    gatewayPort !== undefined && gatewayPort !== '0' && '--gateway-port',
    gatewayProbePort !== undefined && '--gateway-probe-port',
  ].filter(Boolean);
  if (given.length > 0) throw new UserError(`${given.join(', ')} cannot be used together with --gateway=false`);
}

function specOf(flags: LinkFlags, throughGateway: boolean): LinkSpec {
  const selector = (flag: string, text: string) => {
    const parsed = parseSelector(text);
    if (!parsed) throw new UserError(`${flag}: "${text}" is not a label selector`);
    return parsed;
  };
  const list = (text: string): string[] => text.split(',').map((key) => key.trim());
  return {
    ...(throughGateway && { selector: selector('--selector', flags.selector) }),
    remoteDiscoverySelector: selector('--remote-discovery-selector', flags.remoteDiscoverySelector),
    federatedServiceSelector: selector('--federated-service-selector', flags.federatedServiceSelector),
    ...(flags.excludedAnnotations && { excludedAnnotations: list(flags.excludedAnnotations) }),
    ...(flags.excludedLabels && { excludedLabels: list(flags.excludedLabels) }),
  };
}

/** What the controller is made from; the Link itself takes only the namespace. */
async function valuesOf(flags: LinkFlags, context: CliContext): Promise<MulticlusterValues> {
  const values = defaultMulticluster(flags.registry ?? (context.io.env['LINKERD_DOCKER_REGISTRY'] || undefined));
  values.namespace = flags.namespace;
  values.linkerdNamespace = context.flags.linkerdNamespace;
  const { controllerDefaults: controller } = values;
  if (flags.ha) overlayMulticluster(values, MULTICLUSTER_HA);
  if (flags.logLevel) controller.logLevel = flags.logLevel;
  if (flags.logFormat) controller.logFormat = flags.logFormat;
  if (flags.controlPlaneVersion) controller.image.version = flags.controlPlaneVersion;
  controller.retryLimit =
    readNumber('--service-mirror-retry-limit', flags.serviceMirrorRetryLimit, 0, 1_000) ?? controller.retryLimit;
  const { values: files = [], set = [], setString = [], setFile = [] } = flags;
  overlayMulticluster(values, await readValueFlags({ values: files, set, setString, setFile }));
  return values;
}
