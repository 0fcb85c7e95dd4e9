import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { GcraBucket, RateLimiter, type RateVerdict } from './index.ts';

const NONE = { total: undefined, perIdentity: undefined, overrides: [] };

/** How many of `count` requests at once are let through. */
function admitted(limiter: RateLimiter, identity: string | undefined, nowMs: number, count: number): number {
  let passed = 0;
  for (let i = 0; i < count; i++) if (limiter.check(identity, nowMs) === 'ok') passed++;
  return passed;
}

test('a second of requests may come at once, then they come back at the rate', () => {
  const limiter = new RateLimiter({ ...NONE, total: 10 });
  assert.equal(admitted(limiter, undefined, 0, 50), 10);
  assert.equal(admitted(limiter, undefined, 100, 50), 1);
  assert.equal(admitted(limiter, undefined, 350, 50), 2);
  assert.equal(admitted(limiter, undefined, 60_000, 50), 10);
});

test('any rate admits exactly its burst', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 3_000 }), fc.nat(1e9), (rate, nowMs) => {
      const limiter = new RateLimiter({ ...NONE, total: rate });
      assert.equal(admitted(limiter, undefined, nowMs, rate + 10), rate);
    }),
  );
});

test('in no stretch of time does more come through than the burst and the rate allow', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 50 }), fc.array(fc.nat(200), { maxLength: 200 }), (rate, gapsMs) => {
      const bucket = new GcraBucket();
      const passedAtMs: number[] = [];
      let nowMs = 0;
      for (const gapMs of gapsMs) {
        nowMs += gapMs;
        if (bucket.take(rate, nowMs)) passedAtMs.push(nowMs);
      }
      for (let from = 0; from < passedAtMs.length; from++)
        for (let to = from; to < passedAtMs.length; to++) {
          const spanMs = passedAtMs[to]! - passedAtMs[from]!;
          assert.ok(to - from + 1 <= rate + (spanMs * rate) / 1000 + 1e-3, `${to - from + 1} in ${spanMs} ms`);
        }
    }),
  );
});

test('each identity has its own bucket; clients without one share one', () => {
  const limiter = new RateLimiter({ ...NONE, perIdentity: 2 });
  assert.equal(admitted(limiter, 'a', 0, 5), 2);
  assert.equal(admitted(limiter, 'b', 0, 5), 2);
  assert.equal(admitted(limiter, undefined, 0, 5), 2);
  assert.equal(admitted(limiter, undefined, 0, 5), 0);
});

test('an override takes the place of the limit of identities, shared by those it names', () => {
  const overrides = [{ perSecond: 4, identities: ['a', 'b'] }];
  const limiter = new RateLimiter({ ...NONE, perIdentity: 1, overrides });
  assert.equal(admitted(limiter, 'a', 0, 3), 3);
  assert.equal(admitted(limiter, 'b', 0, 3), 1);
  assert.equal(admitted(limiter, 'c', 0, 3), 1);
});

test('the verdict says whose limit it was, and refusals of an identity count against the total', () => {
  const limiter = new RateLimiter({ ...NONE, total: 3, perIdentity: 1 });
  const verdicts: RateVerdict[] = ['a', 'a', 'b', 'b'].map((identity) => limiter.check(identity, 0));
  assert.deepEqual(verdicts, ['ok', 'identity', 'ok', 'total']);
});

test('limits of 0 are none', () => {
  const limiter = new RateLimiter({
    total: 0,
    perIdentity: 0,
    overrides: [{ perSecond: 0, identities: ['a'] }],
  });
  assert.equal(admitted(limiter, 'a', 0, 100), 100);
});

test('buckets of identities are bounded; the one unused for longest goes', () => {
  const limiter = new RateLimiter({ ...NONE, perIdentity: 1 }, 2);
  assert.equal(limiter.check('a', 0), 'ok');
  assert.equal(limiter.check('b', 0), 'ok');
  assert.equal(limiter.check('a', 0), 'identity');
  assert.equal(limiter.check('c', 0), 'ok');
  assert.equal(limiter.size, 2);
  assert.equal(limiter.check('a', 0), 'identity');
  assert.equal(limiter.check('b', 0), 'ok');
});
