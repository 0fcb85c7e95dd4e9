import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Probe } from '#api/kube';
import { FakeClock } from '#runtime/clock';
import { type ProbeKind, ProbeLoop } from './probe-loop.ts';

function loopOf(kind: ProbeKind, probe: Probe) {
  const clock = new FakeClock();
  const seen: string[] = [];
  const state = { ok: true };
  const loop = new ProbeLoop(
    {
      kind,
      probe,
      run: async () => ({ ok: state.ok, output: 'no' }),
      changed: (ok) => void seen.push(ok ? 'up' : 'down'),
      failed: (output) => void seen.push(`failed ${output}`),
    },
    clock,
  );
  loop.start();
  const pass = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= 50) {
      clock.advance(Math.min(50, left));
      for (let turn = 0; turn < 4; turn++) await Promise.resolve();
    }
  };
  return { loop, seen, state, pass };
}

test('the first probe comes after the initial delay', async () => {
  const { seen, pass } = loopOf('readiness', { initialDelaySeconds: 2 });
  await pass(1_900);
  assert.deepEqual(seen, []);
  await pass(200);
  assert.deepEqual(seen, ['up']);
});

test('liveness goes down after as many failures as the threshold, and each is told', async () => {
  const { seen, state, pass } = loopOf('liveness', { periodSeconds: 1, failureThreshold: 3 });
  state.ok = false;
  await pass(2_100);
  assert.deepEqual(seen, ['failed no', 'failed no', 'failed no', 'down']);
});

test('one success between failures starts the count again', async () => {
  const { seen, state, pass } = loopOf('liveness', { periodSeconds: 1, failureThreshold: 2 });
  state.ok = false;
  await pass(100);
  state.ok = true;
  await pass(1_000);
  state.ok = false;
  await pass(1_000);
  assert.deepEqual(seen, ['failed no', 'up', 'failed no']);
});

test('a readiness probe that fails at first is tried again soon and uncounted, so a slow start is seen at once', async () => {
  const { seen, state, pass } = loopOf('readiness', { periodSeconds: 10, failureThreshold: 1 });
  state.ok = false;
  await pass(1_000);
  assert.deepEqual(seen, []);
  state.ok = true;
  await pass(600);
  assert.deepEqual(seen, ['up']);
});

test('after the first period failures count as usual', async () => {
  const { seen, state, pass } = loopOf('readiness', { periodSeconds: 1, failureThreshold: 1 });
  state.ok = false;
  await pass(1_600);
  assert.deepEqual(seen.slice(0, 2), ['failed no', 'down']);
});

test('a stopped loop is silent', async () => {
  const { loop, seen, pass } = loopOf('readiness', { periodSeconds: 1 });
  loop.stop();
  await pass(3_000);
  assert.deepEqual(seen, []);
});
