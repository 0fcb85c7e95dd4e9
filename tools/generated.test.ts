import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '..');
const GENERATED = 'packages/api/mesh/gen';

const filesOf = (folder: string): Map<string, string> =>
  new Map(
    readdirSync(folder)
      .sort()
      .map((name) => [name, readFileSync(join(folder, name), 'utf8')]),
  );

test('the committed gRPC contracts are what their protos generate', () => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-generated-'));
  try {
    const args = ['generate', '--template', 'packages/api/mesh/buf.gen.yaml', '--output', folder];
    const bin = join(root, 'node_modules', '.bin');
    const env = { ...process.env, PATH: `${bin}:${process.env['PATH'] ?? ''}` };
    const done = spawnSync(join(bin, 'buf'), args, { cwd: root, env, encoding: 'utf8', timeout: 15_000 });
    assert.equal(done.status, 0, done.stderr);
    assert.deepEqual(filesOf(join(root, GENERATED)), filesOf(join(folder, GENERATED)), 'run: npm run generate');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
