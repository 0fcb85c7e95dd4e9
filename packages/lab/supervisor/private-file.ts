import { chmodSync, renameSync, writeFileSync } from 'node:fs';

/** Replaces a file that only its owner may read, in one step. */
export function writePrivately(path: string, text: string): void {
  writeFileSync(`${path}.new`, text, { mode: 0o600 });
  chmodSync(`${path}.new`, 0o600);
  renameSync(`${path}.new`, path);
}
