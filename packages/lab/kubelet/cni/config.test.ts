import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { NetworkNotReadyError, parseNetwork, readNetwork } from './config.ts';

/** A folder of files while `work` runs. */
function withFiles(files: Record<string, unknown>, work: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'weft-net-d-'));
  try {
    for (const [name, content] of Object.entries(files))
      writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
    work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const list = (name: string) => ({ name, cniVersion: '1.0.0', plugins: [{ type: 'a' }] });

test('the first file by name that can be read is the network, others are remarked on', () => {
  const files = {
    '00-broken.conflist': '{',
    '01-other.txt': list('text'),
    '05-b.conflist': list('b'),
    '10-a.conflist': list('a'),
  };
  withFiles(files, (folder) => {
    const remarks: string[] = [];
    assert.equal(readNetwork(folder, (text) => remarks.push(text)).name, 'b');
    assert.equal(remarks.length, 1);
    assert.match(remarks[0] ?? '', /^network configuration 00-broken\.conflist: /);
  });
});

test('without any network the node is not ready', () => {
  withFiles({ 'x.conflist': {} }, (folder) => {
    assert.throws(() => readNetwork(folder, () => {}), NetworkNotReadyError);
    assert.throws(() => readNetwork(join(folder, 'missing'), () => {}), NetworkNotReadyError);
  });
});

test('a single plug-in is a list of one, of version 0.3.1 unless it says another', () => {
  assert.deepEqual(parseNetwork(JSON.stringify({ name: 'n', type: 'bridge', mtu: 1400 }), false), {
    name: 'n',
    cniVersion: '0.3.1',
    disableCheck: false,
    plugins: [{ type: 'bridge', mtu: 1400 }],
  });
});

for (const [what, given] of Object.entries({
  'no name': { plugins: [{ type: 'a' }] },
  'a name that is no name': { name: '../x', plugins: [{ type: 'a' }] },
  'no plug-ins': { name: 'n', plugins: [] },
  'a type that leaves its folder': { name: 'n', plugins: [{ type: '../../bin/sh' }] },
  'a plug-in without type': { name: 'n', plugins: [{}] },
  'a version of the future': { name: 'n', cniVersion: '9.0.0', plugins: [{ type: 'a' }] },
  'a list': [],
}))
  test(`refuses ${what}`, () => {
    assert.throws(() => parseNetwork(JSON.stringify(given), true));
  });
