import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fingerprint, writeAtomically } from './atomic-files.ts';

const file = (path: string, text: string, mode = 0o644) => ({ path, bytes: Buffer.from(text), mode });

function withFolder(action: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'atomic-'));
  try {
    action(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('files are seen through ..data, and an update replaces all of them at once', () => {
  withFolder((folder) => {
    writeAtomically(folder, [file('a', '1'), file('deep/b', '2', 0o600)], { generation: 'v1', ownership: {} });
    assert.equal(readFileSync(join(folder, 'deep/b'), 'utf8'), '2');
    assert.equal(statSync(join(folder, 'deep/b')).mode & 0o777, 0o600);
    writeAtomically(folder, [file('a', 'new')], { generation: 'v2', ownership: {} });
    assert.equal(readFileSync(join(folder, 'a'), 'utf8'), 'new');
    assert.equal(existsSync(join(folder, 'deep')), false);
    assert.equal(readlinkSync(join(folder, '..data')), '..v2');
    assert.deepEqual(readdirSync(folder).sort(), ['..data', '..v2', 'a']);
  });
});

test('an open file keeps its old content while the name shows the new', () => {
  withFolder((folder) => {
    writeAtomically(folder, [file('a', '1')], { generation: 'v1', ownership: {} });
    const settled = join(folder, readlinkSync(join(folder, '..data')), 'a');
    assert.equal(readFileSync(settled, 'utf8'), '1');
    writeAtomically(folder, [file('a', '2')], { generation: 'v2', ownership: {} });
    assert.equal(existsSync(settled), false);
    assert.equal(readFileSync(join(folder, 'a'), 'utf8'), '2');
  });
});

test('the fingerprint follows content, permission and owner', () => {
  const base = fingerprint([file('a', '1')]);
  assert.equal(fingerprint([file('a', '1')]), base);
  assert.notEqual(fingerprint([file('a', '2')]), base);
  assert.notEqual(fingerprint([file('a', '1', 0o600)]), base);
  assert.notEqual(fingerprint([{ ...file('a', '1'), uid: 5 }]), base);
});
