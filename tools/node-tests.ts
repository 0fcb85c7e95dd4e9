/**
 * Runs the unit tests of the pure packages on Node too, so that a bug of one runtime is seen: bundles each test file for Node
 * into a temporary folder, then runs `node --test` over them.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'weft-node-tests-'));
try {
  const files = ['wire', 'model'].flatMap((name) =>
    readdirSync(join(root, 'packages', name), { recursive: true })
      .map(String)
      .filter((file) => file.endsWith('.test.ts'))
      .map((file) => join(root, 'packages', name, file)),
  );
  const built = await Bun.build({
    entrypoints: files,
    outdir: folder,
    target: 'node',
    root: join(root, 'packages'),
    naming: '[dir]/[name].mjs',
  });
  if (!built.success) throw new AggregateError(built.logs, 'bundling the tests for Node failed');
  const outputs = built.outputs.map((output) => output.path);
  const done = spawnSync('node', ['--test', '--test-reporter=tap', ...outputs], { stdio: 'inherit', timeout: 840_000 });
  process.exitCode = done.status ?? 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
