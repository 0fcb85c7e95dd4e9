import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

const folder = mkdtempSync(join(tmpdir(), 'weft-engine-'));
after(() => rmSync(folder, { recursive: true }));
const script = join(folder, 'program.ts');
writeFileSync(
  script,
  `import { tuneMemory } from ${JSON.stringify(join(import.meta.dirname, 'engine.ts'))};
  const failed = tuneMemory();
  console.log(JSON.stringify({ failed, pid: process.pid, argv: process.argv.slice(2), size: process.env.BUN_JSC_forceRAMSize, other: process.env.OTHER }));`,
);

function run(env: Record<string, string>) {
  const { stdout, stderr, status, pid } = spawnSync(process.execPath, [script, 'a', 'b c'], {
    env: { ...env, OTHER: 'x' },
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
  assert.equal(stderr, '');
  return { spawned: pid, ...JSON.parse(stdout) };
}

test('the program starts anew once, as the same process with the same arguments', () => {
  const { spawned, pid, ...seen } = run({});
  assert.deepEqual(seen, { argv: ['a', 'b c'], size: '201326592', other: 'x' });
  assert.equal(pid, spawned);
});

test('a setting of whoever starts the program is left alone', () => {
  assert.equal(run({ BUN_JSC_forceRAMSize: '268435456' }).size, '268435456');
});
