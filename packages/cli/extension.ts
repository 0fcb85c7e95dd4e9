import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Io } from './context.ts';

/** The program `weft-<word>` or `linkerd-<word>` on PATH; the first found wins. */
export function findExtension(word: string, path: string): string | undefined {
  if (!/^[a-zA-Z0-9][\w.-]*$/.test(word)) return undefined;
  for (const folder of path.split(delimiter).filter(Boolean))
    for (const name of [`linkerd-${word}`, `weft-${word}`]) {
      const file = join(folder, name);
      try {
        accessSync(file, constants.X_OK);
        return file;
      } catch {
        // Not here; look on.
      }
    }
  return undefined;
}

/** Runs an extension in our place, with the arguments after its word; returns its exit code. */
export function runExtension(word: string, argv: readonly string[], at: number, io: Io): Promise<number> {
  const file = findExtension(word, io.env['PATH'] ?? '');
  if (!file) {
    io.err(`unknown command "${word}"; run "weft --help" for usage\n`);
    return Promise.resolve(1);
  }
  if (at > 0) {
    io.err(`flags cannot be placed before the extension name "${word}"; put them behind it\n`);
    return Promise.resolve(1);
  }
  return new Promise((resolve) => {
    const child = spawn(file, argv.slice(1), { stdio: 'inherit', env: io.env });
    child.on('error', (error) => {
      io.err(`cannot run ${file}: ${error.message}\n`);
      resolve(1);
    });
    child.on('exit', (code, signal) => resolve(code ?? (signal ? 128 : 1)));
  });
}
