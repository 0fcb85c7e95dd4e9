import { readFileSync } from 'node:fs';

/** The end of a log on one line, for an error that outlives the log. */
export function lastLines(path: string, count = 5): string {
  try {
    return readFileSync(path, 'utf8').trim().split('\n').slice(-count).join(' | ') || 'it said nothing';
  } catch {
    return 'it left no log';
  }
}
