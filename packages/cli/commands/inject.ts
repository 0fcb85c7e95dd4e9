import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import type { AnyObject } from '#api/kube';
import { type CliContext, UserError } from '../context.ts';
import { annotationFlags, INJECT_FLAGS } from '../inject/flags.ts';
import { type InjectReport, injectAll, uninjectAll } from '../inject/index.ts';
import { parseManifests, style, toYaml } from '../output/index.ts';

/** `weft inject FILE|DIR|-|URL`: marks workloads for the injector. */
export function registerInject(program: Command, context: CliContext): void {
  const command = program
    .command('inject')
    .argument('<source>', 'File, folder, https URL, or - for standard input')
    .description('Add the proxy to a Kubernetes config: workloads get annotations, the injector does the rest')
    .addOption(new Option('-o, --output <format>', 'Output format').choices(['yaml', 'json']).default('yaml'))
    .option('--ingress', 'The workload is an ingress: route by header l5d-dst-override')
    .option('--ignore-cluster', 'Accepted for compatibility; annotations need no cluster')
    .option('--manual', 'Write the containers of the proxy into the manifest');
  for (const { flag, value, doc } of INJECT_FLAGS) command.option(value ? `${flag} <${value}>` : flag, doc);
  command.action(async (source: string, flags: Record<string, string | boolean>) => {
    if (flags['manual'])
      throw new UserError(
        'inject --manual is not available yet; leave it out, and the injector in the cluster adds the proxy when pods start',
      );
    const objects = parseManifests(await readSource(source, context), source);
    const result = injectAll(objects, {
      mode: flags['ingress'] ? 'ingress' : 'enabled',
      annotations: annotationFlags(flags),
    });
    if (result.errors.length > 0) throw new UserError(`Error transforming resources:\n${result.errors.join('\n')}`);
    context.io.out(render(result.objects, flags['output'] === 'json'));
    report(result.reports, context);
  });
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
  for (const { description, failure } of WARNINGS) {
    const names = reports.filter(failure).map(({ kind, name }) => `${kind}/${name}`);
    if (names.length > 0) lines.push(`${marks.warning} ${description.failed(names)}`);
    else if (flags.verbose && description.passed) lines.push(`${marks.ok} ${description.passed}`);
  }
  if (!reports.some(({ done }) => done)) lines.push(`${marks.warning} no supported objects found`);
  else if (flags.verbose) lines.push(`${marks.ok} at least one resource can be injected or annotated`);
  if (lines.length > 1) lines.push('');
  for (const { kind, name, done } of reports)
    lines.push(kind === '' ? 'document missing "kind" field, skipped' : `${kind} "${name}" ${done ?? 'skipped'}`);
  io.err(`${lines.join('\n')}\n\n`);
}

interface Warning {
  failure(report: InjectReport): boolean;
  description: { passed?: string; failed(names: string[]): string };
}

const WARNINGS: readonly Warning[] = [
  {
    failure: (report) => report.disabled === true,
    description: {
      passed: 'pods are not annotated to disable injection',
      failed: (names) => `"linkerd.io/inject: disabled" annotation set on ${names.join(', ')}`,
    },
  },
  {
    failure: (report) => report.udp === true,
    description: {
      passed: 'pod specs do not include UDP ports',
      failed: (names) => `${names.join(', ')} ${names.length === 1 ? 'uses' : 'use'} "protocol: UDP"`,
    },
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
