import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { type AnyObject, CONFIG_MAPS, type ConfigMap } from '#api/kube';
import { effectiveAnnotations, type InjectorValues, readValues } from '#control/injector';
import { type CliContext, UserError } from '../context.ts';
import { annotationFlags, INJECT_FLAGS } from '../inject/flags.ts';
import { type InjectReport, injectAll, type ManualOptions, uninjectAll } from '../inject/index.ts';
import { defaultValues } from '../manifests/index.ts';
import { parseManifests, style, toYaml } from '../output/index.ts';
import { VERSION } from '../version.ts';

/** `weft inject FILE|DIR|-|URL`: marks workloads for the injector, or with --manual does what it would do. */
export function registerInject(program: Command, context: CliContext): void {
  const command = program
    .command('inject')
    .argument('<source>', 'File, folder, https URL, or - for standard input')
    .description('Add the proxy to a Kubernetes config: workloads get annotations, the injector does the rest')
    .addOption(new Option('-o, --output <format>', 'Output format').choices(['yaml', 'json']).default('yaml'))
    .option('--ingress', 'The workload is an ingress: route by header l5d-dst-override')
    .option('--ignore-cluster', 'Do not look at what is installed in the cluster')
    .option('--manual', 'Write the containers of the proxy into the manifest');
  for (const { flag, doc, hidden } of INJECT_FLAGS) {
    const option = new Option(flag, doc);
    command.addOption(hidden ? option.hideHelp() : option);
  }
  command.action(async (source: string, flags: Record<string, string | boolean>) => {
    const given = annotationFlags(flags);
    const values = await installedValues(flags, given, context);
    const objects = parseManifests(await readSource(source, context), source);
    const result = injectAll(objects, {
      mode: flags['ingress'] ? 'ingress' : 'enabled',
      annotations: effectiveAnnotations(values, given),
      tokenProjection: values.identity.serviceAccountTokenProjection,
      ...(flags['manual'] && { manual: manualOptions(values, context) }),
    });
    if (result.errors.length > 0) throw new UserError(`Error transforming resources:\n${result.errors.join('\n')}`);
    context.io.out(render(result.objects, flags['output'] === 'json'));
    report(result.reports, context);
  });
}

/** What pods get without annotations: asked of the cluster where it matters. */
async function installedValues(
  flags: Readonly<Record<string, string | boolean>>,
  given: Readonly<Record<string, string>>,
  context: CliContext,
): Promise<InjectorValues> {
  const matters = Boolean(flags['manual']) || Object.keys(given).length > 0;
  if (flags['ignoreCluster'] || !matters) return defaultValues();
  const { linkerdNamespace: namespace } = context.flags;
  try {
    const { client } = await context.connect();
    const [config, roots] = await Promise.all([
      client.get<ConfigMap>(CONFIG_MAPS, 'linkerd-config', namespace),
      client.get<ConfigMap>(CONFIG_MAPS, 'linkerd-identity-trust-roots', namespace),
    ]);
    const anchors = roots.data?.['ca-bundle.crt'] ?? '';
    return { ...readValues(config.data?.['values'] ?? ''), identityTrustAnchorsPEM: anchors };
  } catch (error) {
    throw new UserError(
      `cannot read what is installed in namespace ${namespace}: ${(error as Error).message}\nWith --ignore-cluster, the defaults are taken instead.`,
    );
  }
}

function manualOptions(values: InjectorValues, context: CliContext): ManualOptions {
  if (values.identityTrustAnchorsPEM === '')
    context.io.err(
      'warning: without a look at the cluster the trust anchors are not known: proxies start only after LINKERD2_PROXY_IDENTITY_TRUST_ANCHORS is filled in\n',
    );
  const { linkerdNamespace: controlPlaneNamespace } = context.flags;
  return { values, controlPlaneNamespace, createdBy: `linkerd/cli ${VERSION}` };
}

/** `weft uninject FILE|DIR|-|URL`: takes the proxy and its annotations out again. */
export function registerUninject(program: Command, context: CliContext): void {
  program
    .command('uninject')
    .argument('<source>', 'File, folder, https URL, or - for standard input')
    .description('Remove the proxy from a Kubernetes config')
    .addOption(new Option('-o, --output <format>', 'Output format').choices(['yaml', 'json']).default('yaml'))
    .action(async (source: string, flags: { output: string }) => {
      const { objects, reports } = uninjectAll(parseManifests(await readSource(source, context), source));
      context.io.out(render(objects, flags.output === 'json'));
      const lines = reports.map(({ kind, name, done }) => `${kind} "${name}" ${done ? 'uninjected' : 'skipped'}\n`);
      context.io.err(`\n${lines.join('')}\n`);
    });
}

/** Every document is followed by a separator, so that outputs can be concatenated. */
const render = (objects: readonly AnyObject[], json: boolean): string =>
  objects.map((object) => (json ? `${JSON.stringify(object)}\n` : `${toYaml(object)}---\n`)).join('');

function report(reports: readonly InjectReport[], context: CliContext): void {
  const { io, flags } = context;
  const marks = style(io);
  const lines: string[] = [''];
  for (const { passed, failure, failed } of RULES) {
    const names = reports.filter(failure).map(({ kind, name }) => `${kind}/${name}`);
    if (names.length > 0) lines.push(`${marks.warning} ${failed(names)}`);
    else if (flags.verbose) lines.push(`${marks.ok} ${passed}`);
    if (passed !== DISABLED) continue;
    if (!reports.some(({ done }) => done)) lines.push(`${marks.warning} no supported objects found`);
    else if (flags.verbose) lines.push(`${marks.ok} at least one resource can be injected or annotated`);
  }
  if (lines.length > 1) lines.push('');
  for (const { kind, name, done } of reports)
    lines.push(kind === '' ? 'document missing "kind" field, skipped' : `${kind} "${name}" ${done ?? 'skipped'}`);
  io.err(`${lines.join('\n')}\n\n`);
}

interface Rule {
  /** Printed with --verbose where nothing breaks it. */
  passed: string;
  failure(report: InjectReport): boolean;
  failed(names: string[]): string;
}

const never = (): boolean => false;
const DISABLED = 'pods are not annotated to disable injection';
/** Those that never fail here are refused before anything is printed. */
const RULES: readonly Rule[] = [
  { passed: 'pods do not use host networking', failure: never, failed: String },
  {
    passed: 'pods do not have a 3rd party proxy or initContainer already injected',
    failure: never,
    failed: String,
  },
  {
    passed: DISABLED,
    failure: (report) => report.disabled === true,
    failed: (names) => `"linkerd.io/inject: disabled" annotation set on ${names.join(', ')}`,
  },
  {
    passed: 'pod specs do not include UDP ports',
    failure: (report) => report.udp === true,
    failed: (names) => `${names.join(', ')} ${names.length === 1 ? 'uses' : 'use'} "protocol: UDP"`,
  },
  {
    passed:
      'pods do not have automountServiceAccountToken set to "false" or service account token projection is enabled',
    failure: never,
    failed: String,
  },
];

const DOWNLOAD_BYTES_MAX = 64 * 1024 * 1024;
const DOWNLOAD_TIMEOUT_MS = 30_000;

async function readSource(source: string, context: CliContext): Promise<string> {
  if (source === '-') return context.io.stdin();
  if (source.startsWith('https://')) return download(source);
  if (source.startsWith('http://')) throw new UserError(`${source}: only https URLs are read`);
  try {
    if ((await stat(source)).isDirectory()) return await readFolder(source);
    return await readFile(source, 'utf8');
  } catch (error) {
    throw new UserError(`cannot read ${source}: ${(error as Error).message}`);
  }
}

async function readFolder(folder: string): Promise<string> {
  const names = (await readdir(folder)).filter((name) => /\.(ya?ml|json)$/.test(name)).sort();
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
  return texts.join('\n---\n');
}

async function download(url: string): Promise<string> {
  const response = await fetch(url, { signal: AbortSignal.timeout(DOWNLOAD_TIMEOUT_MS) }).catch((error: Error) => {
    throw new UserError(`cannot download ${url}: ${error.message}`);
  });
  if (!response.ok) throw new UserError(`cannot download ${url}: HTTP ${response.status}`);
  const text = await response.text();
  if (text.length > DOWNLOAD_BYTES_MAX) throw new UserError(`${url} exceeds ${DOWNLOAD_BYTES_MAX} bytes`);
  return text;
}
