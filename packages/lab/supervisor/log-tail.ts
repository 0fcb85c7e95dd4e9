import { copyFileSync, existsSync, readFileSync, statSync, truncateSync } from 'node:fs';

/** The end of a log on one line, for an error that outlives the log. */
export function lastLines(path: string, count = 5): string {
  try {
    return readFileSync(path, 'utf8').trim().split('\n').slice(-count).join(' | ') || 'it said nothing';
  } catch {
    return 'it left no log';
  }
}

/** A log that has grown too long becomes `<path>.1` and starts anew; its writer appends and need not know. */
export function cutLog(path: string, bytesMax: number): void {
  if (!existsSync(path) || statSync(path).size <= bytesMax) return;
  copyFileSync(path, `${path}.1`);
  truncateSync(path);
}
