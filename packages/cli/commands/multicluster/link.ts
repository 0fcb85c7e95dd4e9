import { type Command, Option } from 'commander';
import type { AnyObject } from '#api/kube';
import { DEFAULT_SELECTORS, type LinkSpec, parseSelector } from '#extensions/multicluster';
import { type CliContext, UserError } from '../../context.ts';
import {
  defaultMulticluster,
  linkController,
  type MulticlusterSettings,
  REMOTE_ACCESS_ACCOUNT,
  renderLink,
} from '../../manifests/multicluster.ts';
import { toYaml } from '../../output/index.ts';
import { linkerdConfig, NO_GATEWAY, readSwitch } from './install.ts';
import { remoteKubeconfig } from './remote-kubeconfig.ts';

interface LinkFlags {
  clusterName?: string;
  namespace: string;
  apiServerAddress?: string;
  serviceAccountName: string;
  gateway?: string | boolean;
  remoteDiscoverySelector: string;
  federatedServiceSelector: string;
  excludedAnnotations?: string;
  excludedLabels?: string;
  output: 'yaml' | 'json';
  logLevel?: string;
  logFormat?: string;
  ha?: boolean;
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
  ).action((_options, self: Command) => link(self.opts<LinkFlags>(), context, false));
  addFlags(
    group.command('link').description('Output resources that link this cluster, with the controller for the Link'),
  )
    .option('--log-level <level>', 'Log level of the controller')
    .option('--log-format <format>', 'Log format of the controller: plain or json')
    .option('--ha', 'Three replicas of the controller')
    .action((_options, self: Command) => link(self.opts<LinkFlags>(), context, true));
}

function addFlags(command: Command): Command {
  return command
    .option('--cluster-name <name>', 'Name of this cluster, as others will call it')
    .option('--namespace <namespace>', 'Namespace of the extension', 'linkerd-multicluster')
    .option('--api-server-address <url>', 'Address of this cluster as others reach it')
    .option('--service-account-name <name>', 'Account that others enter with', REMOTE_ACCESS_ACCOUNT)
    .option('--gateway [enabled]', 'Whether this cluster is reached through a gateway; only false is available')
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
  if (readSwitch('--gateway', flags.gateway, true)) throw new UserError(NO_GATEWAY);
  const spec = specOf(flags);
  const connection = await context.connect();
  const config = await linkerdConfig(connection.client, context.flags.linkerdNamespace, {
    missing: 'Linkerd is not installed in the cluster that is to be linked: ConfigMap linkerd-config does not exist',
  });
  const kubeconfig = await remoteKubeconfig(context, connection, {
    cluster,
    namespace: flags.namespace,
    account: flags.serviceAccountName,
    ...(flags.apiServerAddress !== undefined && { apiServerAddress: flags.apiServerAddress }),
  });
  const settings = settingsOf(flags, context);
  const objects = renderLink(settings, {
    cluster,
    linkerdNamespace: context.flags.linkerdNamespace,
    clusterDomain: config.clusterDomain,
    trustDomain: config.identityTrustDomain,
    kubeconfig,
    spec,
  });
  if (withController) objects.push(...linkController(settings, cluster));
  context.io.out(render(objects, flags.output));
}

/** Each document is followed by a separator, so that several links can be concatenated. */
const render = (objects: readonly AnyObject[], format: 'yaml' | 'json'): string =>
  objects.map((object) => (format === 'json' ? `${JSON.stringify(object)}\n` : `${toYaml(object)}---\n`)).join('');

function specOf(flags: LinkFlags): LinkSpec {
  const selector = (flag: string, text: string) => {
    const parsed = parseSelector(text);
    if (!parsed) throw new UserError(`${flag}: "${text}" is not a label selector`);
    return parsed;
  };
  const list = (text: string): string[] => text.split(',').map((key) => key.trim());
  return {
    remoteDiscoverySelector: selector('--remote-discovery-selector', flags.remoteDiscoverySelector),
    federatedServiceSelector: selector('--federated-service-selector', flags.federatedServiceSelector),
    ...(flags.excludedAnnotations && { excludedAnnotations: list(flags.excludedAnnotations) }),
    ...(flags.excludedLabels && { excludedLabels: list(flags.excludedLabels) }),
  };
}

function settingsOf(flags: LinkFlags, context: CliContext): MulticlusterSettings {
  const settings = defaultMulticluster(context.io.env['LINKERD_DOCKER_REGISTRY'] || undefined);
  settings.namespace = flags.namespace;
  if (flags.logLevel) settings.logLevel = flags.logLevel;
  if (flags.logFormat) settings.logFormat = flags.logFormat;
  if (flags.ha) settings.replicas = 3;
  return settings;
}
