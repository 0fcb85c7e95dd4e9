#!/usr/bin/env node
// Runs the command line from a checkout: finds the pinned Bun of node_modules and hands it packages/cli/main.ts.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const bun = [
  join(root, 'node_modules', '@oven', `bun-linux-${process.arch === 'arm64' ? 'aarch64' : 'x64'}`, 'bin', 'bun'),
  join(root, 'node_modules', '.bin', 'bun'),
].find((path) => existsSync(path));
if (!bun) {
  console.error(`weft: Bun is not installed in ${root}/node_modules; run "npm ci" there first`);
  process.exit(1);
}
const child = spawn(bun, [join(root, 'packages', 'cli', 'main.ts'), ...process.argv.slice(2)], { stdio: 'inherit' });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('error', (error) => {
  console.error(`weft: cannot start ${bun}: ${error.message}`);
  process.exit(1);
});
child.on('exit', (code, signal) => {
  if (signal) {
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  } else process.exit(code ?? 1);
});
