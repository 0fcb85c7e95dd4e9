import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatDelay, RestartBackoff, Retry } from './backoff.ts';
import { AddressPool } from './ipam.ts';

const settings = { firstMs: 10_000, capMs: 300_000, resetMs: 600_000 };

test('the first restart comes at once, later ones after doubling pauses up to the cap', () => {
  const backoff = new RestartBackoff(settings);
  const pauses = [1, 2, 3, 4, 5, 6, 7, 8].map(() => backoff.nextStartMs(0, 1_000) - 1_000);
  assert.deepEqual(pauses, [0, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000]);
});

test('a long run forgets earlier crashes', () => {
  const backoff = new RestartBackoff(settings);
  for (let crash = 0; crash < 4; crash++) backoff.nextStartMs(0, 1);
  assert.equal(backoff.nextStartMs(0, 600_000), 600_000);
});

test('a retry starts over after success', () => {
  const retry = new Retry({ firstMs: 100, capMs: 300 });
  assert.deepEqual([retry.failed(), retry.failed(), retry.failed()], [100, 200, 300]);
  retry.succeeded();
  assert.equal(retry.failed(), 100);
});

test('pauses print as Go durations', () => {
  assert.deepEqual([10_000, 80_000, 300_000].map(formatDelay), ['10s', '1m20s', '5m0s']);
});

test('addresses are given out in turn, one per owner, and rest before they come again', () => {
  const pool = new AddressPool('10.42.3.0/29');
  assert.equal(pool.take('a'), '10.42.3.2');
  assert.equal(pool.take('a'), '10.42.3.2');
  assert.equal(pool.take('b'), '10.42.3.3');
  pool.release('a');
  assert.equal(pool.take('c'), '10.42.3.4');
  assert.equal(pool.take('d'), '10.42.3.5');
  assert.equal(pool.take('e'), '10.42.3.6');
  assert.equal(pool.take('f'), '10.42.3.2');
  assert.equal(pool.take('g'), undefined);
});
