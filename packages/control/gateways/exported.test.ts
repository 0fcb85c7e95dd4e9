import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exportedBy } from './index.ts';

const EXPORTED = { 'mirror.linkerd.io/exported': 'true', app: 'web' };

test('a gateway reaches what its selector takes, and without one everything', () => {
  assert.equal(exportedBy(undefined)({}), true);
  const reaches = exportedBy('mirror.linkerd.io/exported in (true, remote-discovery), app');
  assert.equal(reaches(EXPORTED), true);
  assert.equal(reaches({ 'mirror.linkerd.io/exported': 'true' }), false);
  assert.equal(reaches({ ...EXPORTED, 'mirror.linkerd.io/exported': 'no' }), false);
});

test('what is no selector takes nothing', () => {
  for (const text of ['', ' ', ',', '=true', 'a in b', '"'])
    assert.equal(exportedBy(text)(EXPORTED), false, JSON.stringify(text));
});
