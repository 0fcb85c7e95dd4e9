import { type Command, Option } from 'commander';
import { CONFIG_MAPS, CUSTOM_RESOURCE_DEFINITIONS, type Gvr, type KubeObject, NODES, SERVICES } from '#api/kube';
import { isNotFound, type KubeClient } from '#kube/client';
import { createTrust } from '../certificates/index.ts';
import { type CliContext, UserError } from '../context.ts';
import {
  addSettingFlags,
  addTrustFlags,
  applySettings,
  externalAnchors,
  gatewayApiWanted,
  readTrustFiles,
  refuse,
  refuseBadIssuer,
  type TrustFlags,
  warnOfIneffective,
} from '../installation/index.ts';
import {
  applyHighAvailability,
  defaultValues,
  mergeValues,
  renderControlPlane,
  renderCrds,
  trustDomainOf,
  type Values,
  webhookCertificates,
} from '../manifests/index.ts';
import { renderManifests } from '../output/index.ts';
import { addValueFlags, readValueFlags, type ValueFlags } from './value-flags.ts';

interface InstallFlags extends ValueFlags, TrustFlags {
  crds?: boolean;
  ignoreCluster?: boolean;
  output: 'yaml' | 'json';
  ha?: boolean;
}

/** `weft install --crds` and `weft install`. */
export function registerInstall(program: Command, context: CliContext): void {
  const command = program
    .command('install')
    .description('Output Kubernetes configs to install the mesh')
    .option('--crds', 'Render only the custom resource definitions')
    .option('--ignore-cluster', 'Do not look at the cluster')
    .addOption(new Option('-o, --output <format>', 'Output format').choices(['yaml', 'json']).default('yaml'));
  addTrustFlags(command);
  addSettingFlags(command, 'install');
  addValueFlags(command);
  command.action((_options, self: Command) => install(self.opts<InstallFlags>(), context));
}

async function install(flags: InstallFlags, context: CliContext): Promise<void> {
  const { io } = context;
  const { linkerdNamespace: namespace } = context.flags;
  const client = flags.ignoreCluster ? undefined : (await context.connect()).client;
  if (client) await reachable(client);
  const values = await valuesOf(flags, context);
  if (flags.crds) {
    const installGatewayAPI = await gatewayApiWanted(values.installGatewayAPI, client, (text) => io.err(text));
    io.err(
      'Rendering Linkerd CRDs...\nNext, run `linkerd install | kubectl apply -f -` to install the control plane.\n\n',
    );
    io.out(renderManifests(renderCrds({ namespace, values: { ...values, installGatewayAPI } }), flags.output));
    return;
  }
  if (client) await refuseSecondInstall(client, namespace);
  if (client) await lookAround(client, values);
  await fillTrust(values, flags, namespace, client);
  refuse(values);
  warnOfIneffective(values, (text) => io.err(text));
  const certificates = await webhookCertificates(values, namespace);
  io.out(renderManifests(renderControlPlane({ namespace, values }, certificates, defaultValues()), flags.output));
}

async function reachable(client: KubeClient): Promise<void> {
  try {
    await client.version();
  } catch (error) {
    throw new UserError(
      `cannot query the Kubernetes API: ${(error as Error).message}\nYou can use the --ignore-cluster flag if you just want to generate the installation config.`,
    );
  }
}

/** Defaults, then `--ha`, then files and `--set`, then the named flags: the later wins. */
async function valuesOf(flags: InstallFlags, context: CliContext): Promise<Values> {
  const values = defaultValues(context.io.env['LINKERD_DOCKER_REGISTRY'] || undefined);
  if (flags.ha) applyHighAvailability(values);
  const unknown = mergeValues(values, await readValueFlags(flags));
  if (unknown.length > 0) context.io.err(`warning: values without a meaning here: ${unknown.join(', ')}\n`);
  applySettings(values, { ...flags });
  return values;
}

/** All three PEM files or none; none makes fresh trust. Checks that they belong together before anything is printed. */
async function fillTrust(
  values: Values,
  flags: InstallFlags,
  namespace: string,
  client: KubeClient | undefined,
): Promise<void> {
  const { issuer } = values.identity;
  await readTrustFiles(values, flags);
  if (issuer.scheme === 'kubernetes.io/tls') {
    if (values.identity.externalCA || values.identityTrustAnchorsPEM) return;
    if (!client) throw new UserError('--ignore-cluster is not supported when --identity-external-issuer=true');
    values.identityTrustAnchorsPEM = await externalAnchors(client, namespace);
    return;
  }
  const given = [values.identityTrustAnchorsPEM, issuer.tls.crtPEM, issuer.tls.keyPEM].filter((text) => text !== '');
  if (given.length === 0) {
    const trust = await createTrust(`identity.${namespace}.${trustDomainOf(values)}`);
    values.identityTrustAnchorsPEM = trust.anchors;
    issuer.tls = { crtPEM: trust.issuer.certificate, keyPEM: trust.issuer.key };
  } else if (given.length < 3) {
    throw new UserError(
      'a trust anchors file must be specified if other credentials are provided, and the other way round: give --identity-trust-anchors-file, --identity-issuer-certificate-file and --identity-issuer-key-file together, or none of them',
    );
  }
  refuseBadIssuer(values, Date.now());
}

async function refuseSecondInstall(client: KubeClient, namespace: string): Promise<void> {
  if (!(await exists(client, CUSTOM_RESOURCE_DEFINITIONS, 'servers.policy.linkerd.io')))
    throw new UserError('Linkerd CRDs must be installed first. Run linkerd install with the --crds flag.');
  if (await exists(client, CONFIG_MAPS, 'linkerd-config', namespace))
    throw new UserError(
      `Unable to install the Linkerd control plane. It appears that there is an existing installation: ConfigMap linkerd-config is in namespace ${namespace}.\n\nIf you are sure you'd like to have a fresh install, remove these resources with:\n\n    linkerd uninstall | kubectl delete -f -\n\nOtherwise, you can use the --ignore-cluster flag to overwrite the existing global resources, or run \`linkerd upgrade\` to change the installation.`,
    );
}

async function exists(client: KubeClient, gvr: Gvr, name: string, namespace?: string): Promise<boolean> {
  try {
    await client.get(gvr, name, namespace);
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

interface NodeObject extends KubeObject {
  status?: { nodeInfo?: { containerRuntimeVersion?: string } };
}
interface ServiceObject extends KubeObject {
  spec?: { ports?: { port: number; targetPort?: number | string }[] };
}

/** What the nodes ask for, and the ports on which the API server is reached. */
async function lookAround(client: KubeClient, values: Values): Promise<void> {
  const standard = defaultValues().proxyInit.kubeAPIServerPorts;
  if (values.proxyInit.kubeAPIServerPorts === standard) {
    const { spec } = await client.get<ServiceObject>(SERVICES, 'kubernetes', 'default');
    const ports = (spec?.ports ?? []).flatMap(({ port, targetPort }) => [port, targetPort ?? port]);
    const found = [...new Set(ports.filter((port) => typeof port === 'number'))].sort((a, b) => a - b);
    if (found.length > 0) values.proxyInit.kubeAPIServerPorts = found.join(',');
  }
  if (values.cniEnabled || values.proxyInit.runAsRoot) return;
  const { items } = await client.list<NodeObject>(NODES);
  const docker = items.find(({ status }) => status?.nodeInfo?.containerRuntimeVersion?.startsWith('docker:'));
  if (docker)
    throw new UserError(
      `node ${docker.metadata.name} runs containers by Docker, where linkerd-init needs root: add --set proxyInit.runAsRoot=true, or use the CNI plug-in`,
    );
}
