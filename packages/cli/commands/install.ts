import { createPrivateKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import { isNotFound, type KubeClient } from '#kube/client';
import { createTrust, describeCertificate, issuedByAnchors, readCertificates } from '../certificates/index.ts';
import { type CliContext, UserError } from '../context.ts';
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

interface InstallFlags extends ValueFlags {
  crds?: boolean;
  ignoreCluster?: boolean;
  output: 'yaml' | 'json';
  ha?: boolean;
  clusterDomain?: string;
  identityTrustDomain?: string;
  identityTrustAnchorsFile?: string;
  identityIssuerCertificateFile?: string;
  identityIssuerKeyFile?: string;
  identityExternalIssuer?: boolean;
  identityExternalCa?: boolean;
  identityIssuanceLifetime?: string;
  identityClockSkewAllowance?: string;
  controllerLogLevel?: string;
  controllerReplicas?: string;
  defaultInboundPolicy?: string;
  disableH2Upgrade?: boolean;
  disableHeartbeat?: boolean;
  linkerdCniEnabled?: boolean;
  proxyLogLevel?: string;
  registry?: string;
}

const POLICIES = [
  'all-authenticated',
  'all-unauthenticated',
  'cluster-authenticated',
  'cluster-unauthenticated',
  'deny',
  'audit',
];
const LOG_LEVELS = ['panic', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'];

/** `weft install --crds` and `weft install`. */
export function registerInstall(program: Command, context: CliContext): void {
  const command = program
    .command('install')
    .description('Output Kubernetes configs to install the mesh')
    .option('--crds', 'Render only the custom resource definitions')
    .option('--ignore-cluster', 'Do not look at the cluster')
    .addOption(new Option('-o, --output <format>', 'Output format').choices(['yaml', 'json']).default('yaml'))
    .option('--ha', 'Render a control plane that survives the loss of a node')
    .option('--cluster-domain <domain>', 'DNS domain of the cluster')
    .option('--identity-trust-domain <domain>', 'Trust domain of identities (default: the cluster domain)')
    .option('--identity-trust-anchors-file <path>', 'PEM bundle of trust anchors')
    .option('--identity-issuer-certificate-file <path>', 'PEM certificate of the issuer')
    .option('--identity-issuer-key-file <path>', 'PEM key of the issuer')
    .option('--identity-external-issuer', 'The issuer comes from a Secret made by somebody else')
    .option('--identity-external-ca', 'ConfigMap linkerd-identity-trust-roots is made by somebody else')
    .option('--identity-issuance-lifetime <duration>', 'Life of a certificate')
    .option('--identity-clock-skew-allowance <duration>', 'Allowed difference of clocks')
    .addOption(new Option('--controller-log-level <level>', 'Log level of the controllers').choices(LOG_LEVELS))
    .option('--controller-replicas <count>', 'Replicas of each controller')
    .addOption(new Option('--default-inbound-policy <policy>', 'Who may connect to meshed pods').choices(POLICIES))
    .option('--disable-h2-upgrade', 'Do not multiplex meshed HTTP/1 over HTTP/2')
    .option('--disable-heartbeat', 'There is no heartbeat; accepted for compatibility')
    .option('--linkerd-cni-enabled', 'The CNI plug-in redirects traffic')
    .option('--proxy-log-level <level>', 'Log level of the proxies')
    .option('--registry <registry>', 'Registry of the images');
  addValueFlags(command);
  command.action((_options, self: Command) => install(self.opts<InstallFlags>(), context));
}

async function install(flags: InstallFlags, context: CliContext): Promise<void> {
  const { io } = context;
  const client = flags.ignoreCluster ? undefined : (await context.connect()).client;
  if (client) await reachable(client);
  const { values, defaults } = await valuesOf(flags, context);
  if (flags.crds) {
    const gatewayApi = await wantsGatewayApi(values, client, context);
    io.err(
      'Rendering Linkerd CRDs...\nNext, run `linkerd install | kubectl apply -f -` to install the control plane.\n\n',
    );
    const { linkerdNamespace: namespace } = context.flags;
    io.out(renderManifests(renderCrds({ namespace, createdBy: values.cliVersion, gatewayApi }), flags.output));
    return;
  }
  if (client) await refuseSecondInstall(client, context.flags.linkerdNamespace);
  const namespace = context.flags.linkerdNamespace;
  await fillTrust(values, flags, namespace, client);
  const certificates = await webhookCertificates(values, namespace);
  io.out(renderManifests(renderControlPlane({ namespace, values }, certificates, defaults), flags.output));
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
async function valuesOf(flags: InstallFlags, context: CliContext): Promise<{ values: Values; defaults: Values }> {
  const registry = flags.registry ?? context.io.env['LINKERD_DOCKER_REGISTRY'];
  const defaults = defaultValues();
  const values = defaultValues(registry || undefined);
  if (flags.ha) applyHighAvailability(values);
  const unknown = mergeValues(values, await readValueFlags(flags));
  if (unknown.length > 0) context.io.err(`warning: values without a meaning here: ${unknown.join(', ')}\n`);
  if (flags.clusterDomain !== undefined) values.clusterDomain = flags.clusterDomain;
  if (flags.identityTrustDomain !== undefined) values.identityTrustDomain = flags.identityTrustDomain;
  if (flags.identityExternalIssuer) values.identity.issuer.scheme = 'kubernetes.io/tls';
  if (flags.identityExternalCa) values.identity.externalCA = true;
  if (flags.identityIssuanceLifetime) values.identity.issuer.issuanceLifetime = flags.identityIssuanceLifetime;
  if (flags.identityClockSkewAllowance) values.identity.issuer.clockSkewAllowance = flags.identityClockSkewAllowance;
  if (flags.controllerLogLevel) values.controllerLogLevel = values.policyController.logLevel = flags.controllerLogLevel;
  if (flags.controllerReplicas) values.controllerReplicas = positive('--controller-replicas', flags.controllerReplicas);
  if (flags.defaultInboundPolicy) values.proxy.defaultInboundPolicy = flags.defaultInboundPolicy;
  if (flags.disableH2Upgrade) values.enableH2Upgrade = false;
  if (flags.linkerdCniEnabled) values.cniEnabled = true;
  if (flags.proxyLogLevel) values.proxy.logLevel = flags.proxyLogLevel;
  return { values, defaults };
}

function positive(flag: string, text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1)
    throw new UserError(`${flag}: expected a positive number, got "${text}"`);
  return number;
}

/** All three PEM files or none; none makes fresh trust. Checks that they belong together before anything is printed. */
async function fillTrust(values: Values, flags: InstallFlags, namespace: string, client: KubeClient | undefined) {
  const { issuer } = values.identity;
  await readTrustFiles(values, flags);
  if (issuer.scheme === 'kubernetes.io/tls') return fillFromExternalIssuer(values, namespace, client);
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
  verifyIssuer(values);
}

async function readTrustFiles(values: Values, flags: InstallFlags): Promise<void> {
  const { tls } = values.identity.issuer;
  if (flags.identityTrustAnchorsFile) values.identityTrustAnchorsPEM = await pemFile(flags.identityTrustAnchorsFile);
  if (flags.identityIssuerCertificateFile) tls.crtPEM = await pemFile(flags.identityIssuerCertificateFile);
  if (flags.identityIssuerKeyFile) tls.keyPEM = await pemFile(flags.identityIssuerKeyFile);
}

async function pemFile(path: string): Promise<string> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new UserError(`cannot read ${path}: ${(error as Error).message}`);
  }
  if (text.trim() === '') throw new UserError(`${path} is empty`);
  return text;
}

function verifyIssuer(values: Values): void {
  const { crtPEM, keyPEM } = values.identity.issuer.tls;
  const [issuer, ...chain] = pemCertificates('issuer certificate', crtPEM);
  const anchors = pemCertificates('trust anchors', values.identityTrustAnchorsPEM);
  const facts = describeCertificate(issuer!);
  if (!facts.isCa) throw new UserError(`the issuer certificate "${facts.subject}" is not a certificate authority`);
  if (facts.notAfterMs < Date.now())
    throw new UserError(`the issuer certificate expired at ${new Date(facts.notAfterMs).toISOString()}`);
  if (!issuedByAnchors(issuer!, anchors, chain))
    throw new UserError(`the issuer certificate "${facts.subject}" was not issued by the trust anchors`);
  if (!keyBelongs(keyPEM, issuer!)) throw new UserError('the issuer key does not belong to the issuer certificate');
}

function pemCertificates(what: string, pem: string) {
  try {
    return readCertificates(pem);
  } catch (error) {
    throw new UserError(`${what}: ${(error as Error).message}`);
  }
}

function keyBelongs(keyPem: string, certificate: ReturnType<typeof readCertificates>[number]): boolean {
  try {
    return certificate.checkPrivateKey(createPrivateKey(keyPem));
  } catch (error) {
    throw new UserError(`the issuer key cannot be read: ${(error as Error).message}`);
  }
}

/** With an external issuer, the anchors come from its Secret (`ca.crt`) unless they are external, too. */
async function fillFromExternalIssuer(
  values: Values,
  namespace: string,
  client: KubeClient | undefined,
): Promise<void> {
  if (values.identity.externalCA || values.identityTrustAnchorsPEM) return;
  if (!client) throw new UserError('--ignore-cluster is not supported when --identity-external-issuer=true');
  const secrets = { group: '', version: 'v1', resource: 'secrets' };
  try {
    const secret = await client.get<{ metadata: object; data?: Record<string, string> }>(
      secrets,
      'linkerd-identity-issuer',
      namespace,
    );
    const ca = secret.data?.['ca.crt'];
    if (!ca) throw new UserError('Secret linkerd-identity-issuer has no ca.crt');
    values.identityTrustAnchorsPEM = Buffer.from(ca, 'base64').toString('utf8');
  } catch (error) {
    if (!isNotFound(error)) throw error;
    throw new UserError(
      `--identity-external-issuer: there is no Secret linkerd-identity-issuer in namespace ${namespace}`,
    );
  }
}

const CRDS = { group: 'apiextensions.k8s.io', version: 'v1', resource: 'customresourcedefinitions' };

async function refuseSecondInstall(client: KubeClient, namespace: string): Promise<void> {
  if (!(await exists(client, CRDS, 'servers.policy.linkerd.io')))
    throw new UserError('Linkerd CRDs must be installed first. Run linkerd install with the --crds flag.');
  const configMaps = { group: '', version: 'v1', resource: 'configmaps' };
  if (await exists(client, configMaps, 'linkerd-config', namespace))
    throw new UserError(
      `Unable to install the control plane: ConfigMap linkerd-config already exists in namespace ${namespace}, so it is installed.\nTo change it, render with --ignore-cluster and the same --identity-trust-anchors-file, --identity-issuer-certificate-file and --identity-issuer-key-file, and apply the result.`,
    );
}

async function exists(client: KubeClient, gvr: typeof CRDS, name: string, namespace?: string): Promise<boolean> {
  try {
    await client.get(gvr, name, namespace);
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

interface Definition {
  metadata: { annotations?: Record<string, string> };
  spec?: { versions?: { name: string; served?: boolean }[] };
}

/** Whether to render the Gateway API's definitions: never over ones that somebody else manages. */
async function wantsGatewayApi(values: Values, client: KubeClient | undefined, context: CliContext): Promise<boolean> {
  const wanted = values.installGatewayAPI;
  if (!client) {
    if (wanted === 'auto')
      context.io.err(
        'Gateway API CRDs are left out without a look at the cluster; --set installGatewayAPI=true adds them.\n',
      );
    return wanted === true;
  }
  const found = await gatewayDefinition(client);
  const ours = Boolean(found?.metadata.annotations?.['linkerd.io/created-by']);
  if (!found) {
    if (wanted === false)
      throw new UserError(
        'The Gateway API CRDs must be installed prior to installing Linkerd: kubectl apply --server-side -f https://github.com/kubernetes-sigs/gateway-api/releases/download/v1.5.1/standard-install.yaml',
      );
    return true;
  }
  if (ours) {
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
      return await client.get<Definition>(CRDS, name);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  return undefined;
}
