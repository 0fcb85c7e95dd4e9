import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countLine, emptyTally, quantile } from './tally.ts';

const answer = (cluster: string) => `{"requestUID":"in:http-sid:x-1","payload":"hello from ${cluster}\\n"}`;

test('answers are counted by the cluster that their payload names', () => {
  const tally = emptyTally();
  countLine(tally, `${answer('west')}\t200\t0.002\t`);
  countLine(tally, `${answer('east')}\t200\t0.004\t`);
  countLine(tally, `${answer('west')}\t200\t0.006\t`);
  assert.equal(tally.requests, 3);
  assert.equal(tally.failed, 0);
  assert.equal(tally.clusters.get('west')?.answered, 2);
  assert.deepEqual(tally.clusters.get('west')?.samplesMs, [2, 6]);
});

test('a status other than 200 and an answer of nobody are failures, with what was seen', () => {
  const tally = emptyTally();
  countLine(tally, '\t504\t3.000\t');
  countLine(tally, 'Hello\t200\t0.001\t');
  countLine(tally, '\t000\t0.100\tConnection refused');
  assert.equal(tally.failed, 3);
  assert.equal(tally.lastFailure, '000 Connection refused');
});

test('lines of other shape are not requests', () => {
  const tally = emptyTally();
  countLine(tally, 'starting');
  assert.equal(tally.requests, 0);
});

test('quantiles come from the sorted samples', () => {
  assert.equal(quantile([], 0.5), undefined);
  assert.equal(quantile([30, 10, 20], 0.5), 20);
  assert.equal(quantile([30, 10, 20], 0.99), 30);
});
