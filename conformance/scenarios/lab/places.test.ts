/** Where a checkout lies must not matter, although /tmp and /run are private inside a lab. */
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { repository, run } from '../../harness/index.ts';

/** A checkout in /tmp: this one if it lies there, else a copy that shares its installed packages. */
function checkoutInTmp(): { folder: string; remove(): void } {
  if (repository.startsWith('/tmp/')) return { folder: repository, remove: () => {} };
  const folder = mkdtempSync(join(tmpdir(), 'weft-places-'));
  for (const name of ['bin', 'packages', 'demos', 'package.json', 'package-lock.json'])
    cpSync(join(repository, name), join(folder, name), { recursive: true });
  symlinkSync(join(repository, 'node_modules'), join(folder, 'node_modules'));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

test('a lab of a checkout in /tmp starts, answers and goes', { timeout: 120_000 }, async () => {
  const checkout = checkoutInTmp();
  const name = `t-places-${process.pid}`;
  const lab = (...words: string[]) => run('node', [join(checkout.folder, 'bin', 'weft.mjs'), 'lab', ...words]);
  try {
    const up = await lab('up', '--name', name, '--ephemeral', '--no-weft', '--clusters', 'west');
    assert.equal(up.code, 0, up.stderr);
    const inside = await lab('shell', '--name', name, '--', 'sh', '-c', 'weft lab --help >/dev/null && ls /tmp');
    assert.equal(inside.code, 0, inside.stderr);
    assert.equal(inside.stdout.trim(), checkout.folder.split('/')[2], 'of the host, /tmp shows only the checkout');
  } finally {
    await lab('down', '--name', name);
    checkout.remove();
  }
});
