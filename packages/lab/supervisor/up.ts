import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { missingPrograms, startTimeOf } from '#net/programs';
import type { ImageRecord } from '../images/index.ts';
import { type LabFolders, labFolders } from './folders.ts';
import type { HostMessage } from './host.ts';
import { LIMITS } from './limits.ts';
import { lastLines } from './log-tail.ts';
import { type LabPlan, type PlanOptions, planLab } from './plan.ts';
import { rewriteLock, takeLock } from './running.ts';
import { quote } from './shell.ts';

/** Host programs without which no lab starts. */
export const REQUIRED_PROGRAMS = [
  'ip',
  'nft',
  'unshare',
  'nsenter',
  'setpriv',
  'pivot_root',
  'mount',
  'umount',
  'mknod',
  'hostname',
  'sh',
] as const;

export interface UpOptions extends PlanOptions {
  /** Folder that holds the state of all labs. */
  root: string;
  images: readonly ImageRecord[];
  /** Commands for the lab's PATH: name -> command line. */
  tools: Readonly<Record<string, readonly string[]>>;
  /** Command line that becomes the lab's process, to which `--name` and `--root` are added. */
  hostArgv: readonly string[];
  /** Gives up and removes everything when it fires. */
  signal: AbortSignal;
  progress(message: HostMessage): void;
}

/** Starts a lab and settles when all its clusters are ready. Whatever goes wrong, nothing half-made is left. */
export async function labUp(options: UpOptions): Promise<LabPlan> {
  if (process.getuid?.() !== 0) throw new Error('weft lab up needs root: it makes network namespaces; try sudo');
  const missing = missingPrograms(REQUIRED_PROGRAMS);
  if (missing) throw new Error(missing);
  const plan = planLab(options);
  const folders = labFolders(options.name, options.root);
  checkRoot(options.root);
  const isNew = !existsSync(folders.lab);
  mkdirSync(folders.root, { recursive: true, mode: 0o700 });
  const holder = takeLock(folders, process.pid);
  if (holder) throw new Error(`lab "${options.name}" is running already (pid ${holder.pid}); "weft lab down" ends it`);
  try {
    checkDisk(options.root);
    const kept = isNew ? plan : sameShape(folders, plan);
    prepareFolder(folders, kept, options);
    await startHost(folders, options);
    return kept;
  } catch (error) {
    rmSync(isNew || plan.isEphemeral ? folders.root : folders.running, { recursive: true, force: true });
    throw error;
  }
}

/** The lab gives itself an own /tmp and /run, so its state cannot be there. */
function checkRoot(root: string): void {
  if (/^\/(tmp|run|proc|sys|dev)(\/|$)/.test(root))
    throw new Error(`labs cannot keep their state in ${root}: every lab has its own ${root.slice(0, 5)}`);
}

function checkDisk(root: string): void {
  const { bavail, bsize } = statfsSync(root);
  const free = bavail * bsize;
  if (free >= LIMITS.diskFreeBytesMin) return;
  const megabytes = (bytes: number): number => Math.floor(bytes / 1024 / 1024);
  throw new Error(
    `the disk of ${root} is full: ${megabytes(free)} MB free, a lab needs ${megabytes(LIMITS.diskFreeBytesMin)} MB`,
  );
}

/** State kept by `lab down --keep` fits only a lab of the same clusters and nodes. */
function sameShape(folders: LabFolders, plan: LabPlan): LabPlan {
  const kept = JSON.parse(readFileSync(folders.lab, 'utf8')) as LabPlan;
  const shape = ({ clusters }: LabPlan): string =>
    clusters.map(({ name, nodes }) => `${name} (${nodes.length} nodes)`).join(', ');
  if (shape(kept) === shape(plan)) return { ...plan, isEphemeral: kept.isEphemeral };
  throw new Error(
    `lab "${plan.name}" has kept state of ${shape(kept)}, not of ${shape(plan)}; "weft lab down" removes it`,
  );
}

function prepareFolder(folders: LabFolders, plan: LabPlan, { images, tools }: UpOptions): void {
  writeFileSync(folders.lab, `${JSON.stringify(plan, undefined, 2)}\n`, { mode: 0o600 });
  writeFileSync(folders.images, `${JSON.stringify(images, undefined, 2)}\n`, { mode: 0o600 });
  rmSync(dirname(folders.hostLog), { recursive: true, force: true });
  for (const folder of [dirname(folders.hostLog), folders.bin]) mkdirSync(folder, { recursive: true, mode: 0o755 });
  for (const [name, argv] of Object.entries(tools))
    writeFileSync(join(folders.bin, name), `#!/bin/sh\nexec ${argv.map(quote).join(' ')} "$@"\n`, { mode: 0o755 });
  const [first] = plan.clusters;
  const domain = first?.clusterDomain ?? '';
  const search = `search default.svc.${domain} svc.${domain} ${domain}`;
  writeFileSync(folders.resolvConf, `${search}\nnameserver ${first?.dnsIp}\noptions ndots:5\n`);
}

/** The lab's process outlives this one; until it is ready, it ends when this one does. */
async function startHost(folders: LabFolders, options: UpOptions): Promise<void> {
  const [command = '', ...args] = [...options.hostArgv, '--name', options.name, '--root', options.root];
  const log = openSync(folders.hostLog, 'a');
  const child = spawn(command, args, { detached: true, cwd: '/', stdio: ['pipe', 'pipe', log] });
  closeSync(log);
  const pid = child.pid;
  if (pid !== undefined) rewriteLock(folders, { pid, startTime: startTimeOf(pid) ?? 0 });
  const abort = (): void => void child.kill('SIGTERM');
  if (options.signal.aborted) abort();
  options.signal.addEventListener('abort', abort);
  try {
    await hostReady(child, options, folders);
  } finally {
    options.signal.removeEventListener('abort', abort);
    child.removeAllListeners();
    child.stdin?.destroy();
    child.stdout?.destroy();
    child.unref();
  }
}

function hostReady(child: ChildProcess, options: UpOptions, folders: LabFolders): Promise<void> {
  return new Promise((resolve, reject) => {
    let failure: string | undefined;
    child.on('error', (error) => reject(error));
    // A failed lab removes what it made before it ends, so its end is awaited.
    child.on('close', () => {
      if (options.signal.aborted) return reject(new Error('cancelled; everything that was made is removed'));
      reject(new Error(failure ?? `the lab's process ended: ${lastLines(folders.hostLog)}`));
    });
    const lines = createInterface({ input: child.stdout! });
    lines.on('line', (line) => {
      const message = JSON.parse(line) as HostMessage;
      if ('failed' in message) failure = message.failed;
      else if ('ready' in message && !('cluster' in message)) resolve();
      options.progress(message);
    });
  });
}
