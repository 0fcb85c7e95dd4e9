import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFlusher } from './flush.ts';

test('outputs are flushed in the order in which they became dirty, all in one turn', () => {
  const turns: (() => void)[] = [];
  const flusher = createFlusher((callback) => turns.push(callback));
  const flushed: string[] = [];
  for (const name of ['a', 'b', 'c']) flusher.soon({ flush: () => flushed.push(name) });
  assert.deepEqual(flushed, []);
  assert.equal(turns.length, 1);
  turns.shift()!();
  assert.deepEqual(flushed, ['a', 'b', 'c']);
  assert.equal(turns.length, 0);
});

test('an output that becomes dirty while others are flushed has its turn next', () => {
  const turns: (() => void)[] = [];
  const flusher = createFlusher((callback) => turns.push(callback));
  let count = 0;
  const again = { flush: () => void (++count < 3 && flusher.soon(again)) };
  flusher.soon(again);
  while (turns.length > 0) {
    const before = count;
    turns.shift()!();
    assert.equal(count, before + 1);
  }
  assert.equal(count, 3);
});

test('the turn comes after what is already under way', async () => {
  const order: string[] = [];
  createFlusher().soon({ flush: () => order.push('flushed') });
  queueMicrotask(() => order.push('microtask'));
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.deepEqual(order, ['microtask', 'flushed']);
});
