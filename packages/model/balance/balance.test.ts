import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PeakEwma, pickWeighted } from './index.ts';
import { lcg } from './simulation.fake.ts';

const config = { defaultRttMs: 30, decayMs: 10_000 };

test('an estimate jumps up at once and decays slowly', () => {
  const ewma = new PeakEwma(config, 0);
  assert.equal(ewma.estimateMs(0), 30);
  ewma.observe(500, 100);
  assert.equal(ewma.estimateMs(100), 500);
  ewma.observe(10, 10_100);
  assert.ok(Math.abs(ewma.estimateMs(10_100) - (500 * Math.exp(-1) + 10 * (1 - Math.exp(-1)))) < 1e-9);
});

test('until the first sample the estimate is what is expected; a slower sample counts at once', () => {
  const [quick, slow] = [new PeakEwma(config, 0), new PeakEwma(config, 0)];
  assert.equal(quick.measured, false);
  quick.expect(8);
  quick.observe(5, 60_000);
  assert.equal(quick.measured, true);
  assert.equal(quick.estimateMs(60_000), 8);
  quick.expect(99);
  assert.equal(quick.estimateMs(60_000), 8);
  slow.observe(50, 1);
  assert.equal(slow.estimateMs(1), 50);
});

test('an estimate without samples sinks, so that a slow endpoint is tried again', () => {
  const ewma = new PeakEwma(config, 0);
  ewma.observe(5_000, 0);
  assert.ok(ewma.estimateMs(60_000) < 15);
});

test('a failure counts as slow as the penalty or as the server asks, up to a bound', () => {
  const failing = { ...config, penaltyMs: 5_000, retryAfterMaxMs: 300_000 };
  const ewma = new PeakEwma(failing, 0);
  assert.equal(ewma.observeFailure(1, 0), 0);
  assert.equal(ewma.estimateMs(0), 5_000);
  assert.equal(ewma.observeFailure(1, 0, 9_000_000), 300_000);
  assert.equal(ewma.estimateMs(0), 300_000);
  ewma.observeFailure(1, 0);
  assert.equal(ewma.estimateMs(0), 300_000, 'never below the current estimate');
  const lenient = new PeakEwma(config, 0);
  assert.equal(lenient.observeFailure(1, 0, 9_000), 0);
  assert.equal(lenient.estimateMs(0), 30);
});

test('estimates stay between the smallest and the largest sample ever seen', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.integer({ min: 1, max: 10_000 }), fc.nat(5_000))), (samples) => {
      const ewma = new PeakEwma(config, 0);
      let nowMs = 0;
      let largest = 30;
      for (const [rttMs, afterMs] of samples) {
        nowMs += afterMs;
        ewma.observe(rttMs, nowMs);
        largest = Math.max(largest, rttMs);
        assert.ok(ewma.estimateMs(nowMs) <= largest && ewma.estimateMs(nowMs) >= 1);
      }
    }),
  );
});

test('weighted choice follows the weights and knows that nothing can be chosen', () => {
  const random = lcg(7);
  const counts = [0, 0, 0];
  for (let i = 0; i < 4_000; i++) counts[pickWeighted([1, 0, 3], random)]!++;
  assert.equal(counts[1], 0);
  assert.ok(counts[2]! > 2_700 && counts[2]! < 3_300, `${counts}`);
  assert.equal(pickWeighted([0, 0], random), -1);
});
