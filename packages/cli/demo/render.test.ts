import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderTable } from './render.ts';
import { countLine, emptyTally } from './tally.ts';

test('the table has one row a cluster, silent ones too, and a line of totals', () => {
  const tally = emptyTally();
  countLine(tally, '{"payload":"hello from west\\n"}\t200\t0.002\t');
  const lines = renderTable(['west', 'east'], tally, 'verified').split('\n');
  assert.match(lines[0] ?? '', /^CLUSTER +ANSWERS +SHARE +P50 +P99$/);
  assert.match(lines[1] ?? '', /^west +1 +100 % +█{30} +2\.0 ms +2\.0 ms$/);
  assert.match(lines[2] ?? '', /^east +0 +0 % +- +-$/);
  assert.equal(lines.at(-1), 'requests 1, failed 0, mTLS verified');
});
