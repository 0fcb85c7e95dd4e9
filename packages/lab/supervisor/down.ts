import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startTimeOf } from '#net/programs';
import { type LabFolders, labFolders, ofThisRun } from './folders.ts';
import type { LabStatus } from './host.ts';
import { LIMITS } from './limits.ts';
import { faultsInForce, type ReportedFault } from './net-faults.ts';
import type { LabPlan } from './plan.ts';
import { type RunningLab, runningLab } from './running.ts';

/** Ends a lab and removes it. Gives false when there was none. `keep` leaves its clusters' state for the next `lab up`. */
export async function labDown(options: { name: string; root: string; keep: boolean }): Promise<boolean> {
  const folders = labFolders(options.name, options.root);
  const existed = existsSync(folders.root);
  const lab = runningLab(folders);
  if (lab) await endProcess(lab);
  if (options.keep) {
    for (const path of [folders.running, ...ofThisRun(folders)]) rmSync(path, { force: true });
  } else rmSync(folders.root, { recursive: true, force: true });
  return existed;
}

async function endProcess({ pid, startTime }: RunningLab): Promise<void> {
  const isAlive = (): boolean => startTimeOf(pid) === startTime;
  process.kill(pid, 'SIGTERM');
  const deadlineMs = Date.now() + LIMITS.downTimeoutMs;
  while (isAlive() && Date.now() < deadlineMs) await sleep(20);
  if (!isAlive()) return;
  // Its guard sees it die, ends the namespaces and removes the control groups.
  process.kill(pid, 'SIGKILL');
  while (isAlive()) await sleep(20);
  await sleep(500);
}

/** What `lab status` prints. */
export interface LabReport {
  name: string;
  running: boolean;
  pid?: number;
  stateFolder: string;
  kubeconfig?: string;
  /** Pods reach other clusters by nodes and load balancers only. */
  isolated: boolean;
  clusters: LabStatus['clusters'];
  /** What is wrong on demand between its clusters. */
  faults: ReportedFault[];
}

/** How one lab is doing; undefined when there is no such lab. */
export function labStatus(options: { name: string; root: string }): LabReport | undefined {
  const folders = labFolders(options.name, options.root);
  if (!existsSync(folders.root)) return undefined;
  const lab = runningLab(folders);
  return {
    name: options.name,
    running: lab !== undefined,
    ...(lab && { pid: lab.pid }),
    stateFolder: folders.root,
    ...(existsSync(folders.kubeconfig) && { kubeconfig: folders.kubeconfig }),
    isolated: existsSync(folders.lab) && (JSON.parse(readFileSync(folders.lab, 'utf8')) as LabPlan).isIsolated === true,
    clusters: lab ? readStatus(folders) : [],
    faults: lab?.rootPid === undefined ? [] : faultsInForce(folders, lab.rootPid),
  };
}

function readStatus(folders: LabFolders): LabStatus['clusters'] {
  if (!existsSync(folders.status)) return [];
  return (JSON.parse(readFileSync(folders.status, 'utf8')) as LabStatus).clusters;
}

/** Names of all labs that have a state folder. */
export function labNames(root: string): string[] {
  if (!existsSync(root)) return [];
  return readdirSync(root).filter((name) => existsSync(join(root, name, 'lab.json')));
}
