import { readFileSync } from 'node:fs';
import { run } from '../programs/index.ts';

const decodeField = (text: string): string =>
  text.replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));

/** Mount points of a process (default our own), in order of mounting. */
export function mountPoints(pid: number | 'self' = 'self'): string[] {
  const lines = readFileSync(`/proc/${pid}/mountinfo`, 'utf8').split('\n');
  return lines.flatMap((line) => {
    const target = line.split(' ')[4];
    return target === undefined ? [] : [decodeField(target)];
  });
}

/** Detaches every mount at or below a folder, innermost first. */
export async function unmountBelow(folder: string): Promise<void> {
  const below = mountPoints().filter((target) => target === folder || target.startsWith(`${folder}/`));
  if (below.length > 0) await run('umount', ['--lazy', ...below.reverse()]);
}
