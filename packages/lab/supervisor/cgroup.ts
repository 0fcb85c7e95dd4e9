import { accessSync, constants, existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LIMITS } from './limits.ts';

/** A lab's control groups: files that a process writes its pid to in order to join. */
export interface LabCgroup {
  /** Folders, one per controller with version 1, a single one with version 2. */
  folders: string[];
}

const V1_ROOT = '/sys/fs/cgroup';

const memoryBytesMax = (): number => Math.floor(totalmem() * LIMITS.memoryPart);

/** Version 1: controller -> the file and value that limit a lab. */
const V1_LIMITS = {
  memory: () => ['memory.limit_in_bytes', memoryBytesMax()] as const,
  pids: () => ['pids.max', LIMITS.pidsMax] as const,
};

/** Makes the lab's control groups where the host has writable ones; an empty list where not. */
export function createCgroup(lab: string): LabCgroup {
  const name = `weft-lab-${lab}`;
  const unified = join(V1_ROOT, 'cgroup.controllers');
  return { folders: existsSync(unified) ? createV2(name) : createV1(name) };
}

function createV1(name: string): string[] {
  return Object.entries(V1_LIMITS).flatMap(([controller, limit]) => {
    const folder = join(V1_ROOT, controller, ownPath(controller), name);
    const [file, value] = limit();
    return make(folder, [[file, value]]) ? [folder] : [];
  });
}

function createV2(name: string): string[] {
  const folder = join(V1_ROOT, name);
  const limits = [
    ['memory.max', memoryBytesMax()],
    ['pids.max', LIMITS.pidsMax],
  ] as const;
  return make(folder, limits) ? [folder] : [];
}

/** The group that this process is in, so that a lab started inside a limited group stays under its limit. */
function ownPath(controller: string): string {
  const line = readFileSync('/proc/self/cgroup', 'utf8')
    .split('\n')
    .find((each) => each.split(':')[1]?.split(',').includes(controller));
  return line?.split(':')[2] ?? '/';
}

/** A controller that cannot be used is left out: a lab without limits is better than none. */
function make(folder: string, limits: readonly (readonly [string, number])[]): boolean {
  try {
    mkdirSync(folder, { recursive: true });
    for (const [file, value] of limits) writeFileSync(join(folder, file), String(value));
    accessSync(join(folder, 'cgroup.procs'), constants.W_OK);
    return true;
  } catch {
    try {
      rmdirSync(folder);
    } catch {
      // It was never made.
    }
    return false;
  }
}

/** Removes the groups once their last process is gone. */
export async function removeCgroup({ folders }: LabCgroup): Promise<void> {
  for (const folder of folders)
    for (let tries = 0; existsSync(folder) && tries < 100; tries++) {
      try {
        rmdirSync(folder);
      } catch {
        await sleep(20); // dying processes leave it in their own time
      }
    }
}

/** Command line that joins the groups and then becomes `argv`. */
export function joinArgv({ folders }: LabCgroup, argv: readonly string[]): string[] {
  if (folders.length === 0) return [...argv];
  const join = folders.map((folder) => `echo $$ > '${folder}/cgroup.procs'`).join('; ');
  return ['/bin/sh', '-c', `${join}; exec "$@"`, 'sh', ...argv];
}
