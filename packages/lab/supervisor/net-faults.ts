import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { applyNft } from '#net/nftables';
import { findProgram, HostProgramError, SAFE_ENV } from '#net/programs';
import { ipBatch } from '#net/routes';
import {
  current,
  DELAY_DEVICES,
  DELAY_ROUTES,
  type DelayedPair,
  type DelayLineConfig,
  delayedPairs,
  type Fault,
  faultScript,
  healed,
  LIMITS,
  pairsOf,
  type Trouble,
  withTrouble,
} from '../faults/index.ts';
import { type LabFolders, labFolders } from './folders.ts';
import { requireRunning } from './inside.ts';
import { type LabPlan, territoryOf } from './plan.ts';
import { writePrivately } from './private-file.ts';
import { takeLock } from './running.ts';

/** What a user asks of the lab's network: trouble between clusters, or its end. One name stands for that cluster and each other. */
export type NetChange =
  | { trouble: Trouble; clusters: readonly string[]; durationMs?: number }
  /** No clusters: everything is healed. */
  | { heal: readonly string[] };

/** `faults.json`. It holds only for the run of the lab whose first process it names: a new one has a whole network. */
interface FaultsFile {
  rootPid: number;
  faults: Fault[];
  line?: { device: string; pairs: DelayedPair[] };
}

/** A fault as reports show it. */
export type ReportedFault = Fault & {
  /** Why it is not in force though nobody has healed it. */
  broken?: string;
};

/** Packets on their way through an old delay line are awaited so long at most. */
const DRAIN_MS_MAX = 1_000;

/** The faults in force in a lab. */
export function faultsInForce(folders: LabFolders, rootPid: number): ReportedFault[] {
  const { faults, line } = readFaults(folders, rootPid);
  const hasLine = line !== undefined && delayDevices(rootPid).includes(line.device);
  return current(faults, Date.now()).map((fault) =>
    fault.kind === 'delay' && !hasLine ? { ...fault, broken: 'its process has ended; set it again' } : fault,
  );
}

/** Changes the faults between the clusters of a running lab. Gives those in force afterwards. Throws sentences for the operator. */
export async function changeFaults(lab: { name: string; root: string }, change: NetChange): Promise<ReportedFault[]> {
  const { folders, rootPid } = requireRunning(lab);
  return locked(folders, async () => {
    const plan = JSON.parse(readFileSync(folders.lab, 'utf8')) as LabPlan;
    const nowMs = Date.now();
    const before = readFaults(folders, rootPid);
    const faults = changed(current(before.faults, nowMs), change, { plan, nowMs });
    const after = await apply(before, faults, { folders, plan, nowMs });
    writePrivately(folders.faults, `${JSON.stringify(after, undefined, 2)}\n`);
    return faultsInForce(folders, rootPid);
  });
}

function changed(faults: Fault[], change: NetChange, { plan, nowMs }: { plan: LabPlan; nowMs: number }): Fault[] {
  const all = plan.clusters.map(({ name }) => name);
  if ('heal' in change) return change.heal.length === 0 ? [] : healed(faults, pairsOf(change.heal, all));
  const { trouble, clusters, durationMs } = change;
  return withTrouble(faults, trouble, { pairs: pairsOf(clusters, all), nowMs, durationMs });
}

function readFaults({ faults: path }: LabFolders, rootPid: number): FaultsFile {
  const none = { rootPid, faults: [] };
  if (!existsSync(path)) return none;
  const file = JSON.parse(readFileSync(path, 'utf8')) as FaultsFile;
  return file.rootPid === rootPid ? file : none;
}

/** The new delay line is there before packets are sent to it, and the old one stays until it has sent what it held. */
async function apply(
  before: FaultsFile,
  faults: Fault[],
  { folders, plan, nowMs }: { folders: LabFolders; plan: LabPlan; nowMs: number },
): Promise<FaultsFile> {
  const { rootPid, line: old } = before;
  const netPath = `/proc/${rootPid}/ns/net`;
  const territories = plan.clusters.map(territoryOf);
  const pairs = delayedPairs(faults, territories);
  const devices = delayDevices(rootPid);
  const isSame = old && devices.includes(old.device) && JSON.stringify(old.pairs) === JSON.stringify(pairs);
  const line = isSame ? old : pairs.length > 0 ? { device: freeDevice(devices), pairs } : undefined;
  if (line && !isSame) {
    await startDelayLine(line, folders, rootPid);
    await ipBatch(
      [
        `link set ${line.device} up txqueuelen ${LIMITS.deviceQueuePackets}`,
        `route replace default dev ${line.device} table ${DELAY_ROUTES}`,
      ],
      { netPath },
    );
  }
  await applyNft(faultScript(faults, territories, nowMs), netPath);
  const passed = devices.filter((device) => device !== line?.device);
  if (passed.length > 0) {
    await sleep(Math.min(DRAIN_MS_MAX, Math.max(0, ...(old?.pairs ?? []).map(({ ms, jitterMs }) => ms + jitterMs))));
    await ipBatch(
      passed.map((device) => `link delete ${device}`),
      { netPath },
    );
  }
  return { rootPid, faults, ...(line && { line }) };
}

const freeDevice = (taken: readonly string[]): string => {
  for (let number = 1; ; number++) if (!taken.includes(`${DELAY_DEVICES}${number}`)) return `${DELAY_DEVICES}${number}`;
};

/** Interfaces of delay lines in the lab's root, as the host sees them without going there. */
const delayDevices = (rootPid: number): string[] =>
  readFileSync(`/proc/${rootPid}/net/dev`, 'utf8')
    .split('\n')
    .map((line) => line.split(':')[0]?.trim() ?? '')
    .filter((name) => name.startsWith(DELAY_DEVICES));

/**
 * Starts the process of a delay line among the lab's, so that it ends with them. Settles once its interface is there. It ends by
 * itself when the interface is removed.
 */
async function startDelayLine(config: DelayLineConfig, folders: LabFolders, rootPid: number): Promise<void> {
  const nsenter = findProgram('nsenter');
  if (!nsenter) throw HostProgramError.missing('nsenter');
  const enter = [`--target=${rootPid}`, '--mount', '--net', '--ipc', '--uts', '--pid', '--'];
  const own = [join(folders.bin, 'weft'), 'lab', 'delay-line', '--config', JSON.stringify(config)];
  const log = openSync(folders.hostLog, 'a');
  const stdio = ['ignore', 'pipe', log] as const;
  const child = spawn(nsenter, [...enter, ...own], { env: SAFE_ENV, cwd: '/', detached: true, stdio: [...stdio] });
  closeSync(log);
  const timer = setTimeout(() => child.kill('SIGKILL'), LIMITS.delayLineReadyMs);
  try {
    await new Promise<void>((done, fail) => {
      const failed = (why: string): void => fail(new Error(`packets cannot be delayed: ${why}; see "weft lab logs"`));
      child.once('error', (error) => failed(error.message));
      child.once('exit', () => failed('the process for it ended before it was ready'));
      child.stdout?.once('data', () => done());
    });
  } finally {
    clearTimeout(timer);
    child.removeAllListeners();
    child.stdout?.destroy();
    child.unref();
  }
}

/** One command at a time changes the faults of a lab. */
async function locked<T>(folders: LabFolders, action: () => Promise<T>): Promise<T> {
  const deadlineMs = Date.now() + LIMITS.lockWaitMs;
  for (;;) {
    const holder = takeLock({ running: folders.faultsLock }, process.pid);
    if (!holder) break;
    if (Date.now() > deadlineMs) throw new Error(`another command (pid ${holder.pid}) is changing this lab's network`);
    await sleep(LIMITS.lockPollMs);
  }
  try {
    return await action();
  } finally {
    rmSync(folders.faultsLock, { force: true });
  }
}

/** {@link faultsInForce} of a lab by its name; throws a sentence for the operator when it does not run. */
export function listFaults(lab: { name: string; root: string }): ReportedFault[] {
  const { rootPid } = requireRunning(lab);
  return faultsInForce(labFolders(lab.name, lab.root), rootPid);
}
