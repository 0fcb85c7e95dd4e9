import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { startTimeOf } from '#net/programs';
import type { LabFolders } from './folders.ts';

/** The process that holds a lab. */
export interface RunningLab {
  pid: number;
  startTime: number;
  /** The lab's first process, once it exists. */
  rootPid?: number;
}

/** The lab's process if it lives; undefined when there is none or only its note is left. */
export function runningLab(folders: Pick<LabFolders, 'running'>): RunningLab | undefined {
  try {
    const noted = JSON.parse(readFileSync(folders.running, 'utf8')) as RunningLab;
    return startTimeOf(noted.pid) === noted.startTime ? noted : undefined;
  } catch {
    return undefined; // no note, or one cut short by a crash: nothing runs
  }
}

/** Takes the lock for a process, replacing a dead one's. Gives who has it already, or undefined on success. */
export function takeLock(folders: Pick<LabFolders, 'running'>, pid: number): RunningLab | undefined {
  const note = JSON.stringify({ pid, startTime: startTimeOf(pid) });
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      writeFileSync(folders.running, note, { flag: 'wx', mode: 0o600 });
      return undefined;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const holder = runningLab(folders);
      if (holder) return holder;
      rmSync(folders.running, { force: true });
    }
  }
  return runningLab(folders) ?? { pid: 0, startTime: 0 };
}

/** Hands the lock on, e.g. from `lab up` to the process it started. */
export function rewriteLock(folders: LabFolders, lab: RunningLab): void {
  writeFileSync(`${folders.running}.new`, JSON.stringify(lab), { mode: 0o600 });
  renameSync(`${folders.running}.new`, folders.running);
}
