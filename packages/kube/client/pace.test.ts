import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '#runtime/clock';
import { Pace } from './pace.ts';

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
};

/** Requests as they are let go. */
function start(rate: { perSecond: number; burst: number }, waitMsMax = 1_000) {
  const clock = new FakeClock();
  const pace = new Pace(rate, waitMsMax, clock);
  const gone: number[] = [];
  const refused: string[] = [];
  const ask = (name: number) =>
    pace.turn().then(
      () => gone.push(name),
      ({ message }: Error) => refused.push(message),
    );
  const pass = async (ms: number) => {
    clock.advance(ms);
    await turns();
  };
  return { ask, pass, gone, refused };
}

test('so many go at once, then one by one in order', async () => {
  const { ask, pass, gone } = start({ perSecond: 10, burst: 3 });
  for (let name = 1; name <= 5; name += 1) void ask(name);
  await pass(0);
  assert.deepEqual(gone, [1, 2, 3]);
  await pass(99);
  assert.deepEqual(gone, [1, 2, 3]);
  await pass(1);
  assert.deepEqual(gone, [1, 2, 3, 4]);
  await pass(100);
  assert.deepEqual(gone, [1, 2, 3, 4, 5]);
});

test('after a rest so many may go at once again, and no more', async () => {
  const { ask, pass, gone } = start({ perSecond: 10, burst: 3 });
  for (let name = 1; name <= 3; name += 1) void ask(name);
  await pass(60_000);
  for (let name = 4; name <= 7; name += 1) void ask(name);
  await pass(0);
  assert.deepEqual(gone, [1, 2, 3, 4, 5, 6]);
});

test('what would wait too long is refused at once and takes nobody’s turn', async () => {
  const { ask, pass, gone, refused } = start({ perSecond: 10, burst: 1 }, 200);
  for (let name = 1; name <= 5; name += 1) void ask(name);
  await pass(0);
  assert.equal(refused.length, 2);
  assert.match(refused[0] ?? '', /too many requests .* at 10 a second .* in 300 ms/);
  await pass(200);
  void ask(6);
  await pass(100);
  assert.deepEqual(gone, [1, 2, 3, 6]);
});
