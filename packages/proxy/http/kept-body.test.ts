import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Sender } from './contract.ts';
import { KeptBody } from './kept-body.ts';

/** What a sender is given, in one. */
function sent(kept: KeptBody): string {
  let text = '';
  const sender = {
    data(buf: Uint8Array, start: number, end: number) {
      text += Buffer.from(buf.subarray(start, end)).toString('latin1');
      return true;
    },
  };
  kept.sendTo(sender as unknown as Sender);
  return text;
}

test('what is kept is sent again as it came, as often as wanted', () => {
  const kept = new KeptBody();
  kept.add(Buffer.from('xhellox'), 1, 6);
  kept.add(Buffer.from(`${' '.repeat(100)}!`), 100, 101);
  assert.equal(kept.bytes, 6);
  assert.equal(sent(kept), 'hello!');
  assert.equal(sent(kept), 'hello!');
  kept.forget();
  assert.deepEqual([kept.whole, sent(kept)], [false, '']);
});

test('a small run does not keep the large buffer alive that it came in', () => {
  const kept = new KeptBody();
  const read = Buffer.alloc(65_536, 'a');
  kept.add(read, 10, 20);
  read.fill('b');
  assert.equal(sent(kept), 'a'.repeat(10));
});

test('a buffer kept by reference counts as a whole, once', () => {
  const kept = new KeptBody();
  const read = Buffer.alloc(1_000, 'a');
  kept.add(read, 0, 300);
  kept.add(read, 300, 600);
  kept.add(Buffer.alloc(10_000), 0, 100);
  assert.deepEqual([kept.bytes, kept.heldBytes], [700, 1_100]);
  kept.forget();
  assert.equal(kept.heldBytes, 0);
});
