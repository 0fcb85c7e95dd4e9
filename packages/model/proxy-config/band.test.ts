import assert from 'node:assert/strict';
import { test } from 'node:test';
import { READERS } from './index.ts';

test('a band is two rising numbers, or off', () => {
  assert.deepEqual(READERS.band('0.8,2.0'), { value: { low: 0.8, high: 2 } });
  assert.deepEqual(READERS.band(' 0.5, 1.75 '), { value: { low: 0.5, high: 1.75 } });
  assert.deepEqual(READERS.band('off'), { value: undefined });
  for (const text of ['', '1', '2,1', '1,1', '0,1', '-1,1', '1,2,3', 'a,b', '1,Infinity'])
    assert.ok('error' in READERS.band(text), text);
});
