import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Breaker, type BreakerConfig, type BreakerResult, SuccessWindow } from './index.ts';

const backoff = { minMs: 1_000, maxMs: 60_000, jitter: 0.5 };
const CONSECUTIVE: BreakerConfig = { kind: 'consecutive', maxFailures: 3, backoff };
const UNIFIED: BreakerConfig = {
  kind: 'unified',
  successRate: 0.8,
  windowMs: 10_000,
  minRequests: 5,
  maxFailures: 0,
  backoff,
};

const feed = (breaker: Breaker, results: readonly BreakerResult[], nowMs = 0): boolean[] =>
  results.map((result) => breaker.record(result, nowMs));

test('failures in a row open it; a success between them starts the count anew', () => {
  const results: BreakerResult[] = ['failure', 'failure', 'success', 'failure', 'failure', 'failure'];
  assert.deepEqual(feed(new Breaker(CONSECUTIVE, 0), results), [false, false, false, false, false, true]);
});

test('by failures in a row alone, an overloaded answer is as good as a success', () => {
  const breaker = new Breaker(CONSECUTIVE, 0);
  assert.deepEqual(feed(breaker, ['failure', 'failure', 'overload', 'failure']), [false, false, false, false]);
  breaker.open(0, 0);
  breaker.probe();
  assert.equal(breaker.probed('overload'), 'closed');
});

test('with no limit of failures it never opens', () => {
  const breaker = new Breaker({ ...CONSECUTIVE, maxFailures: 0 }, 0);
  assert.ok(feed(breaker, Array(1_000).fill('failure')).every((trip) => !trip));
});

test('a ratio counts from the least number of requests on', () => {
  const breaker = new Breaker(UNIFIED, 0);
  assert.deepEqual(feed(breaker, ['success', 'failure', 'failure', 'failure', 'failure']), [
    false,
    false,
    false,
    false,
    true,
  ]);
});

test('overload lowers the ratio but is no failure in a row', () => {
  const breaker = new Breaker({ ...UNIFIED, maxFailures: 3 }, 0);
  assert.deepEqual(feed(breaker, ['failure', 'overload', 'failure', 'overload']), [false, false, false, false]);
  assert.equal(breaker.record('overload', 0), true);
  const inRow = new Breaker({ ...UNIFIED, successRate: 0, maxFailures: 3 }, 0);
  assert.deepEqual(feed(inRow, ['failure', 'overload', 'failure', 'overload', 'failure']).at(-1), true);
});

test('results outside the window are forgotten', () => {
  const breaker = new Breaker(UNIFIED, 0);
  feed(breaker, Array(4).fill('failure'), 0);
  assert.equal(breaker.record('success', 10_000), false);
  assert.deepEqual(feed(breaker, Array(4).fill('success'), 10_000), [false, false, false, false]);
});

test('it stays open for doubling times with chance on top, up to the longest', () => {
  const breaker = new Breaker(CONSECUTIVE, 0);
  const waits: number[] = [];
  for (let i = 0; i < 8; i++) {
    breaker.open(100, 0);
    waits.push(breaker.openUntilMs - 100);
    breaker.probe();
    assert.equal(breaker.probed('failure'), 'open');
  }
  assert.deepEqual(waits, [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
  breaker.open(0, 1);
  assert.equal(breaker.openUntilMs, 90_000);
});

test('a probe that succeeds closes it and forgets what was; one that says nothing is sent again', () => {
  const breaker = new Breaker(UNIFIED, 0);
  feed(breaker, Array(5).fill('failure'));
  breaker.open(0, 0);
  assert.equal(breaker.record('failure', 0), false);
  breaker.probe();
  assert.equal(breaker.probed('none'), 'again');
  assert.equal(breaker.state, 'probing');
  assert.equal(breaker.probed('overload'), 'open');
  breaker.open(0, 0);
  assert.equal(breaker.openUntilMs, 2_000);
  breaker.probe();
  assert.equal(breaker.probed('success'), 'closed');
  assert.equal(breaker.record('failure', 0), false);
  breaker.open(0, 0);
  assert.equal(breaker.openUntilMs, 1_000);
});

test('the window counts what came in the last ten buckets and nothing older', () => {
  const event = fc.record({ afterMs: fc.nat(400), success: fc.boolean() });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 100 }), (events) => {
      const window = new SuccessWindow(1_000, 0);
      const seen: { bucket: number; success: boolean }[] = [];
      let nowMs = 0;
      for (const { afterMs, success } of events) {
        nowMs += afterMs;
        window.record(success, nowMs);
        seen.push({ bucket: Math.floor(nowMs / 100), success });
        const recent = seen.filter(({ bucket }) => bucket > Math.floor(nowMs / 100) - 10);
        assert.equal(window.ratio(1, nowMs), recent.filter((one) => one.success).length / recent.length);
      }
    }),
  );
});
