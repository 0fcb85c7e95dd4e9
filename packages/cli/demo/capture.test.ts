import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countPackets } from './capture.ts';

test('packets of a capture file are counted by their lengths', () => {
  const packet = (length: number) => {
    const bytes = Buffer.alloc(16 + length);
    bytes.writeUInt32LE(length, 8);
    return bytes;
  };
  assert.equal(countPackets(Buffer.alloc(24)), 0);
  assert.equal(countPackets(Buffer.concat([Buffer.alloc(24), packet(60), packet(0), packet(1500)])), 3);
});
