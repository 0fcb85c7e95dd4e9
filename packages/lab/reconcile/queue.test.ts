import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock, settle } from './clock.fake.ts';
import { type RunResult, WorkQueue } from './queue.ts';

function recording(outcome: (key: string) => RunResult = () => undefined, concurrency = 1) {
  const clock = new FakeClock();
  const ran: string[] = [];
  const queue = new WorkQueue({
    clock,
    concurrency,
    run: async (key) => {
      ran.push(`${key}@${clock.nowMs() - Date.UTC(2026, 0, 1)}`);
      return outcome(key);
    },
  });
  return { clock, ran, queue };
}

test('a key waits at most once', async () => {
  const { queue, ran } = recording();
  for (const key of ['a', 'b', 'b', 'c', 'b']) queue.add(key);
  await settle();
  assert.deepEqual(ran, ['a@0', 'b@0', 'c@0']);
});

test('a key added while it runs is run once more, never twice at once', async () => {
  let running = 0;
  let runs = 0;
  const queue: WorkQueue = new WorkQueue({
    clock: new FakeClock(),
    concurrency: 4,
    run: async () => {
      assert.equal(++running, 1);
      if (runs++ === 0) {
        queue.add('a');
        queue.add('a');
      }
      await new Promise((done) => setImmediate(done));
      running--;
      return undefined;
    },
  });
  queue.add('a');
  await settle();
  assert.equal(runs, 2);
});

test('failures are retried with doubling pauses and forgotten after a success', async () => {
  let failures = 3;
  const { queue, ran, clock } = recording(() => (failures-- > 0 ? { again: 'failed' } : undefined));
  queue.add('a');
  await clock.advance(1000);
  assert.deepEqual(ran, ['a@0', 'a@10', 'a@30', 'a@70']);
});

test('of several delays the earliest counts', async () => {
  const { queue, ran, clock } = recording();
  queue.addAfter('a', 500);
  queue.addAfter('a', 100);
  queue.addAfter('a', 300);
  await clock.advance(1000);
  assert.deepEqual(ran, ['a@100']);
});

test('after stop nothing runs any more', async () => {
  const { queue, ran, clock } = recording();
  queue.addAfter('a', 10);
  queue.stop();
  queue.add('b');
  await clock.advance(100);
  assert.deepEqual(ran, []);
});
