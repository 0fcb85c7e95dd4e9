/** Where a lab's files lie must not matter, although /tmp and /run are private inside. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { repository, run } from '../../harness/index.ts';

test('a lab whose state lies in /tmp starts, answers and goes', { timeout: 120_000 }, async () => {
  const root = mkdtempSync(join(tmpdir(), 'weft-places-'));
  const weft = (...words: string[]) =>
    run('node', [join(repository, 'bin', 'weft.mjs'), 'lab', ...words, '--root', root]);
  const name = `t-places-${process.pid}`;
  try {
    const up = await weft('up', '--name', name, '--ephemeral', '--no-weft', '--clusters', 'west');
    assert.equal(up.code, 0, up.stderr);
    const inside = await run('node', [
      join(repository, 'bin', 'weft.mjs'),
      ...['lab', 'shell', '--name', name, '--root', root, '--'],
      ...['sh', '-c', 'weft lab --help >/dev/null && ls /tmp'],
    ]);
    assert.equal(inside.code, 0, inside.stderr);
    assert.deepEqual(
      inside.stdout.split('\n').filter((entry) => entry !== '' && !join(tmpdir(), entry).startsWith(root)),
      repository.startsWith('/tmp/') ? [repository.split('/')[2]] : [],
      'of the host, /tmp inside shows only what the lab needs',
    );
  } finally {
    await weft('down', '--name', name);
    rmSync(root, { recursive: true, force: true });
  }
});
