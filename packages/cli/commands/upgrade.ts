import { readFile } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import { CONFIG_MAPS, type KubeObject, PODS, type Pod } from '#api/kube';
import { isNotFound, type KubeClient } from '#kube/client';
import { sameCertificates } from '../certificates/index.ts';
import { isFinished } from '../checks/pods.ts';
import { type CliContext, type Connection, UserError } from '../context.ts';
import {
  addSettingFlags,
  addTrustFlags,
  applySettings,
  externalAnchors,
  gatewayApiWanted,
  issuerProblem,
  type Present,
  presentFromCluster,
  presentFromManifests,
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
  type Values,
  webhookCertificates,
} from '../manifests/index.ts';
import { renderManifests } from '../output/index.ts';
import { anchorsInUse, inTurn, proxyMetrics } from '../proxies/index.ts';
import { addValueFlags, readValueFlags, type ValueFlags } from './value-flags.ts';

interface UpgradeFlags extends ValueFlags, TrustFlags {
  crds?: boolean;
  force?: boolean;
  fromManifests?: string;
  ha?: boolean;
  output: 'yaml' | 'json';
}

const TROUBLESHOOTING = 'For troubleshooting help, see docs/guides/install.md\n';
/** Pods that an error names. */
const NAMED_MAX = 10;

/** `weft upgrade --crds` and `weft upgrade`: the present installation with this version's defaults, and what the flags say. */
export function registerUpgrade(program: Command, context: CliContext): void {
  const command = program
    .command('upgrade')
    .description('Output Kubernetes configs to upgrade an existing control plane')
    .option('--crds', 'Render only the custom resource definitions')
    .option('--force', 'Do not check that running proxies trust the issuer')
    .option('--from-manifests <file>', 'Read the installation from manifests that were printed, instead of the cluster')
    .addOption(new Option('-o, --output <format>', 'Output format').choices(['yaml', 'json']).default('yaml'));
  addTrustFlags(command);
  addSettingFlags(command, 'upgrade');
  addValueFlags(command);
  command.action(async (_options, self: Command) => {
    try {
      await upgrade(self.opts<UpgradeFlags>(), context);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      throw new UserError(`× ${error.message}\n${TROUBLESHOOTING}`);
    }
  });
}

async function upgrade(flags: UpgradeFlags, context: CliContext): Promise<void> {
  const { io } = context;
  const { linkerdNamespace: namespace } = context.flags;
  const client = flags.fromManifests === undefined ? (await context.connect()).client : undefined;
  const nowMs = Date.now();
  const present =
    client === undefined
      ? await presentFromManifests(await readManifests(flags.fromManifests!), flags.fromManifests!, nowMs)
      : await presentFromCluster(client, namespace, nowMs);
  const values = await upgradedValues(flags, present, context);
  if (flags.crds) {
    const installGatewayAPI = await gatewayApiWanted(values.installGatewayAPI, client, (text) => io.err(text));
    io.out(renderManifests(renderCrds({ namespace, values: { ...values, installGatewayAPI } }), flags.output));
    return;
  }
  await fillTrust(values, flags, namespace, client);
  refuse(values);
  warnOfIneffective(values, (text) => io.err(text));
  if (client && !flags.force) await refuseUntrustedIssuer(values, await context.connect(), namespace, nowMs);
  warnOfNewAnchors(values, present, context);
  const certificates = await webhookCertificates(values, namespace, present.webhooks);
  io.out(renderManifests(renderControlPlane({ namespace, values }, certificates, defaultValues()), flags.output));
}

async function readManifests(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new UserError(`cannot read ${path}: ${(error as Error).message}`);
  }
}

/** This version's defaults, what was set before, then the flags as at install. The present issuer and anchors are kept. */
async function upgradedValues(
  flags: Pick<UpgradeFlags, 'ha'> & ValueFlags,
  present: Present,
  context: CliContext,
): Promise<Values> {
  const values = presentValues(present, context.io.env);
  if (flags.ha) applyHighAvailability(values);
  const unknown = mergeValues(values, await readValueFlags(flags));
  if (unknown.length > 0) context.io.err(`warning: values without a meaning here: ${unknown.join(', ')}\n`);
  applySettings(values, { ...flags });
  return values;
}

/** The values of the present installation as this version would render it unchanged. */
export function presentValues(present: Present, env: NodeJS.ProcessEnv): Values {
  const values = defaultValues(env['LINKERD_DOCKER_REGISTRY'] || undefined);
  mergeValues(values, present.overrides);
  const { issuer } = values.identity;
  if (present.issuer && issuer.scheme === 'linkerd.io/tls')
    issuer.tls = { crtPEM: present.issuer.certificate, keyPEM: present.issuer.key };
  if (present.anchors && !values.identity.externalCA) values.identityTrustAnchorsPEM = present.anchors;
  return values;
}

async function fillTrust(
  values: Values,
  flags: UpgradeFlags,
  namespace: string,
  client: KubeClient | undefined,
): Promise<void> {
  const { issuer, externalCA } = values.identity;
  const pair = [flags.identityIssuerCertificateFile, flags.identityIssuerKeyFile];
  if (pair.filter(Boolean).length === 1)
    throw new UserError('--identity-issuer-certificate-file and --identity-issuer-key-file must be given together');
  if (issuer.scheme === 'kubernetes.io/tls' && pair.some(Boolean))
    throw new UserError(
      'the issuer of this installation comes from somebody else: change it in Secret linkerd-identity-issuer',
    );
  await readTrustFiles(values, flags);
  if (issuer.scheme === 'linkerd.io/tls') refuseBadIssuer(values, Date.now());
  else if (!externalCA && !values.identityTrustAnchorsPEM && client)
    values.identityTrustAnchorsPEM = await externalAnchors(client, namespace);
}

/** Each running proxy must trust what the issuer signs, or its peers would refuse one another during the upgrade. */
async function refuseUntrustedIssuer(
  values: Values,
  connection: Connection,
  namespace: string,
  nowMs: number,
): Promise<void> {
  if (values.identity.issuer.scheme !== 'linkerd.io/tls') return;
  const { client } = connection;
  const { items } = await client.list<Pod>(PODS, { labelSelector: `linkerd.io/control-plane-ns=${namespace}` });
  const current = await configuredAnchors(client, namespace);
  if (current === undefined) return;
  const running = items.filter((pod) => !isFinished(pod));
  const anchors = await inTurn(running, (pod) => anchorsInUse(pod, current, (each) => proxyMetrics(connection, each)));
  const { crtPEM } = values.identity.issuer.tls;
  const untrusting = running.filter((_pod, at) => {
    const pem = anchors[at];
    return pem === undefined || issuerProblem(crtPEM, pem, nowMs) !== undefined;
  });
  if (untrusting.length === 0) return;
  const names = untrusting.slice(0, NAMED_MAX).map(({ metadata }) => `\t* ${metadata.namespace}/${metadata.name}`);
  throw new UserError(
    `${untrusting.length} running proxies do not trust the issuer certificate: their trust anchors have not signed it. Upgrade to anchors that contain both the old and the new one first, or use --force:\n${names.join('\n')}`,
  );
}

async function configuredAnchors(client: KubeClient, namespace: string): Promise<string | undefined> {
  try {
    const map = await client.get<KubeObject & { data?: Record<string, string> }>(
      CONFIG_MAPS,
      'linkerd-identity-trust-roots',
      namespace,
    );
    return map.data?.['ca-bundle.crt'];
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

function warnOfNewAnchors(values: Values, present: Present, context: CliContext): void {
  const { identityTrustAnchorsPEM: wanted } = values;
  if (!wanted || !present.anchors || sameCertificates(wanted, present.anchors)) return;
  context.io.err(
    '‼ The trust anchors change. Proxies of this version learn them while they run; pods with older proxies must be restarted before the issuer changes.\n\n',
  );
}
