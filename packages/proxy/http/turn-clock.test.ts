import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock, systemClock } from '#runtime/clock';
import { createFlusher } from '#runtime/flush';
import { TurnClock } from './turn-clock.ts';

test('time stands still within a turn and goes on with the next', () => {
  const turns: (() => void)[] = [];
  const clock = new FakeClock();
  const turn = new TurnClock(
    clock,
    createFlusher((callback) => turns.push(callback)),
  );
  clock.advance(5);
  assert.equal(turn.nowMs(), 5);
  clock.advance(5);
  assert.equal(turn.nowMs(), 5);
  assert.equal(turns.length, 1);
  turns[0]!();
  assert.equal(turn.nowMs(), 10);
});

test('timers find the time that it is, however long the loop slept before', async () => {
  const turn = new TurnClock(systemClock, createFlusher());
  const startMs = turn.nowMs();
  await new Promise<void>((resolve) => turn.after(30, resolve));
  const leftMs = turn.nowMs() - startMs;
  assert.ok(leftMs >= 29 && leftMs < 300, `${leftMs}`);
  await new Promise<void>((resolve) => turn.after(30, resolve));
  assert.ok(turn.nowMs() - startMs >= 59);
});
