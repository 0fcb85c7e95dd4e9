import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '#runtime/clock';
import { FakeLog } from '#runtime/log';
import { LIMITS } from './limits.ts';
import { Loop } from './loop.ts';

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Runs while something changes every 10 ms, for so long. */
async function runsDuring(loop: Loop, clock: FakeClock, ms: number, count: () => number): Promise<number> {
  const before = count();
  for (let passed = 0; passed < ms; passed += 10) {
    loop.trigger();
    clock.advance(10);
    await turn();
  }
  return count() - before;
}

test('changes that do not cease are looked at ever more rarely, and one after a rest at once', async () => {
  const clock = new FakeClock(0);
  let runs = 0;
  const loop = new Loop(clock, new FakeLog().log, () => {
    runs += 1;
    return Promise.resolve('done');
  });
  const inTheFirst = await runsDuring(loop, clock, 200, () => runs);
  assert.ok(inTheFirst >= 6, `${inTheFirst} runs in the first 200 ms`);
  await runsDuring(loop, clock, 2_000, () => runs);
  const later = await runsDuring(loop, clock, 3_200, () => runs);
  assert.ok(later <= 10, `${later} runs in 3.2 s`);
  clock.advance(LIMITS.settleMsMax);
  await turn();
  clock.advance(LIMITS.stormMs);
  const before = runs;
  loop.trigger();
  clock.advance(LIMITS.settleMs);
  await turn();
  assert.equal(runs, before + 1);
});
