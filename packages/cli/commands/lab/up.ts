import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { type ImageRecord, parseImageRecords } from '#lab/images';
import { type HostMessage, labDown, labFolders, labUp } from '#lab/supervisor';
import { type CliContext, UserError } from '../../context.ts';
import { demoImages } from '../../demos.ts';
import { compiledExecutable, selfArgv } from '../../executable/index.ts';
import { AFTER_UP, type AfterUpStep } from './after-up.ts';
import { weftImages } from './images.ts';

interface UpFlags {
  name: string;
  root: string;
  clusters: string;
  nodes: string;
  ephemeral: boolean;
  isolated: boolean;
  apiPort?: string;
  images: string[];
  weft: boolean;
  restartBackoff: string;
  [step: string]: unknown;
}

/** Loopback ports of the default lab; labs of other names take free ones. */
const DEFAULT_API_PORT = 16_443;

/** `lab up`. */
export function addUp(command: Command, context: CliContext): void {
  command
    .description('Start a lab and wait until its clusters are ready')
    .option('--clusters <names>', 'Clusters, by comma', 'west,east,north')
    .option('--nodes <count>', 'Nodes per cluster, each in a zone of its own', '2')
    .option('--ephemeral', 'Keep no state beyond the life of the lab', false)
    .option('--isolated', 'Pods reach other clusters by load balancers, node ports and API servers only', false)
    .option(
      '--api-port <port>',
      `First loopback port of API servers; 0: free ones (default: ${DEFAULT_API_PORT} for the lab named default)`,
    )
    .option('--images <file>', 'JSON list of further images: name, entrypoint, mounts…', collect, [])
    .option('--no-weft', 'Register no images of this executable')
    .option('--restart-backoff <ms>', 'First pause before a crashed container runs again', '10000');
  for (const step of AFTER_UP) command.option(step.flag, step.description);
  command.action(async (flags: UpFlags) => up(flags, context));
}

const collect = (value: string, list: string[]): string[] => [...list, value];

async function up(flags: UpFlags, { io }: CliContext): Promise<void> {
  const ender = new AbortController();
  const cancel = (): void => ender.abort();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, cancel);
  const steps = AFTER_UP.filter((step) => flags[optionKey(step)]);
  const startedAtMs = Date.now();
  const seconds = (): string => ((Date.now() - startedAtMs) / 1000).toFixed(1);
  const progress = (line: string): void => io.err(`${seconds().padStart(6)} s  ${line}\n`);
  try {
    const images = [...fileImages(flags.images), ...(flags.weft ? ownImages(steps.length > 0, progress) : [])];
    const firstMs = number('--restart-backoff', flags.restartBackoff);
    const plan = await labUp({
      name: flags.name,
      root: flags.root,
      clusters: flags.clusters.split(',').filter(Boolean),
      nodesPerCluster: number('--nodes', flags.nodes),
      isEphemeral: flags.ephemeral,
      isIsolated: flags.isolated,
      firstHostPort: number('--api-port', flags.apiPort ?? String(flags.name === 'default' ? DEFAULT_API_PORT : 0)),
      backoff: { firstMs, capMs: firstMs * 30, resetMs: firstMs * 60 },
      images,
      tools: { weft: selfArgv(), linkerd: selfArgv() },
      hostArgv: [...selfArgv(), 'lab', 'host'],
      signal: ender.signal,
      progress: (message) => describe(message, progress),
    });
    await runSteps(
      steps,
      { plan, kubeconfig: labFolders(flags.name, flags.root).kubeconfig, progress, signal: ender.signal },
      flags,
    );
    const names = plan.clusters.map(({ name }) => name).join(', ');
    io.out(`lab "${flags.name}" is up in ${seconds()} s with clusters ${names}\n`);
    const option = flags.name === 'default' ? '' : ` --name ${flags.name}`;
    io.out(`use it:  eval "$(weft lab env${option})"   inside its network:  weft lab shell${option}\n`);
  } catch (error) {
    throw new UserError(error instanceof Error ? error.message : String(error));
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(signal, cancel);
  }
}

/** A step that fails takes the lab with it, so that nothing half-made is left. */
async function runSteps(
  steps: readonly AfterUpStep[],
  lab: Parameters<AfterUpStep['run']>[0],
  flags: UpFlags,
): Promise<void> {
  try {
    for (const step of steps) await step.run(lab);
  } catch (error) {
    await labDown({ name: flags.name, root: flags.root, keep: false });
    throw error;
  }
}

/** Commander's name for a flag's value: `--mesh` -> `mesh`. */
const optionKey = ({ flag }: AfterUpStep): string =>
  (/--([a-z-]+)/.exec(flag)?.[1] ?? '').replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());

const fileImages = (paths: readonly string[]): ImageRecord[] =>
  paths.flatMap((path) => parseImageRecords(readFileSync(path, 'utf8'), path));

function ownImages(isNeeded: boolean, progress: (line: string) => void): ImageRecord[] {
  try {
    const executable = compiledExecutable();
    return [...weftImages(executable), ...demoImages(executable)];
  } catch (error) {
    if (isNeeded) throw error;
    progress(`no images of weft: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`);
    return [];
  }
}

function number(flag: string, text: string): number {
  if (!/^\d+$/.test(text)) throw new UserError(`${flag} takes a number, not "${text}"`);
  return Number(text);
}

function describe(message: HostMessage, progress: (line: string) => void): void {
  if ('stage' in message) progress(`${message.cluster}: ${message.stage}`);
  else if ('cluster' in message) progress(`${message.cluster}: ready`);
}
