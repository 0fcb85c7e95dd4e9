import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

test('code that start-up touched leaves memory, and the program goes on', () => {
  const program = `
    const { releaseCodePages } = await import(${JSON.stringify(join(import.meta.dirname, 'code-pages.ts'))});
    const { readFileSync } = await import('node:fs');
    const mapped = () => Number(/^RssFile:\\s+(\\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
    const before = mapped();
    const released = releaseCodePages();
    console.log(JSON.stringify({ before, after: mapped(), released }));`;
  const { stdout, stderr, status } = spawnSync(process.execPath, ['-e', program], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  const { before, after, released } = JSON.parse(stdout);
  assert.ok(released > 1_000_000, `let go ${released} bytes`);
  assert.ok(after < before * 0.7, `${before} kB of files in memory before, ${after} after`);
});
