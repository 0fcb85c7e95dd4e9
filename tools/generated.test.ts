import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '..');
/** A second's work, on a machine that may be busy. */
const LIMIT_MS = 60_000;
const CONTRACTS = ['mesh', 'otlp'];

const filesOf = (folder: string): Map<string, string> =>
  new Map(
    readdirSync(folder)
      .sort()
      .map((name) => [name, readFileSync(join(folder, name), 'utf8')]),
  );

for (const contract of CONTRACTS)
  test(`the committed gRPC contracts of api/${contract} are what their protos generate`, {
    timeout: 2 * LIMIT_MS,
  }, () => {
    const folder = mkdtempSync(join(tmpdir(), 'weft-generated-'));
    const generated = `packages/api/${contract}/gen`;
    try {
      const args = ['generate', '--template', `packages/api/${contract}/buf.gen.yaml`, '--output', folder];
      const bin = join(root, 'node_modules', '.bin');
      const env = { ...process.env, PATH: `${bin}:${process.env['PATH'] ?? ''}` };
      const done = spawnSync(join(bin, 'buf'), args, { cwd: root, env, encoding: 'utf8', timeout: LIMIT_MS });
      assert.equal(done.status, 0, done.stderr);
      assert.deepEqual(filesOf(join(root, generated)), filesOf(join(folder, generated)), 'run: npm run generate');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
