import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '#runtime/clock';
import { TokenCache } from './tokens.ts';
import type { BoundPod } from './types.ts';

const pod: BoundPod = {
  metadata: { name: 'p', namespace: 'n', uid: 'u1' },
  spec: { containers: [{ name: 'c' }], serviceAccountName: 'robot' },
};

function cacheWith(clock: FakeClock) {
  const asked: { audiences: readonly string[]; serviceAccount: string }[] = [];
  const state = { fails: false };
  const cache = new TokenCache(async (request) => {
    if (state.fails) throw new Error('no');
    asked.push(request);
    return { token: `t${asked.length}`, expiresAtMs: clock.wallMs() + request.expirationSeconds * 1000 };
  }, clock);
  return { cache, asked, state };
}

test('a token is kept until 80 % of its life is over, then renewed', async () => {
  const clock = new FakeClock();
  const { cache, asked } = cacheWith(clock);
  const options = { audience: 'x', expirationSeconds: 1000 };
  assert.equal(await cache.token(pod, options), 't1');
  clock.advance(799_000);
  assert.equal(cache.isDue('u1'), false);
  assert.equal(await cache.token(pod, options), 't1');
  clock.advance(1_000);
  assert.equal(cache.isDue('u1'), true);
  assert.equal(await cache.token(pod, options), 't2');
  assert.equal(cache.isDue('u1'), false);
  assert.deepEqual(asked[0]?.audiences, ['x']);
  assert.equal(asked[0]?.serviceAccount, 'robot');
});

test('when renewal fails the old token serves until it expires', async () => {
  const clock = new FakeClock();
  const { cache, state } = cacheWith(clock);
  await cache.token(pod, { expirationSeconds: 1000 });
  state.fails = true;
  clock.advance(900_000);
  assert.equal(await cache.token(pod, { expirationSeconds: 1000 }), 't1');
  clock.advance(100_000);
  await assert.rejects(cache.token(pod, { expirationSeconds: 1000 }), /no/);
});

test('audiences have tokens of their own, and a pod that is gone none', async () => {
  const clock = new FakeClock();
  const { cache } = cacheWith(clock);
  assert.equal(await cache.token(pod, { audience: 'a' }), 't1');
  assert.equal(await cache.token(pod, { audience: 'b' }), 't2');
  cache.forget('u1');
  assert.equal(await cache.token(pod, { audience: 'a' }), 't3');
});
