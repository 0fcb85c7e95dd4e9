import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeFrame, FrameDecoder } from './websocket.ts';

/** What a server would send: our encoder's frame with the mask taken off. */
function serverFrame(first: number, payload: Buffer): Buffer {
  const masked = encodeFrame(first & 0x0f, payload, Buffer.alloc(4));
  const lengthBytes = payload.length < 126 ? 0 : payload.length < 65_536 ? 2 : 8;
  const frame = Buffer.concat([masked.subarray(0, 2 + lengthBytes), payload]);
  frame[0] = first;
  frame[1] = frame[1]! & 0x7f;
  return frame;
}

test('messages of every length form arrive whole, however the bytes are cut', () => {
  const payloads = [Buffer.alloc(0), Buffer.from('short'), Buffer.alloc(300, 1), Buffer.alloc(66_000, 2)];
  const bytes = Buffer.concat(payloads.map((payload) => serverFrame(0x82, payload)));
  for (const size of [13, 4096, bytes.length]) {
    const seen: Buffer[] = [];
    const decoder = new FrameDecoder({ message: (payload) => seen.push(Buffer.from(payload)), control: () => {} });
    for (let at = 0; at < bytes.length; at += size) decoder.push(bytes.subarray(at, at + size));
    assert.deepEqual(
      seen.map((payload) => payload.length),
      payloads.map((payload) => payload.length),
    );
    assert.ok(seen.every((payload, index) => payload.equals(payloads[index]!)));
  }
});

test('fragments are joined, control frames in between are reported apart', () => {
  const seen: string[] = [];
  const decoder = new FrameDecoder({
    message: (payload) => void seen.push(payload.toString()),
    control: (opcode) => void seen.push(`control ${opcode}`),
  });
  decoder.push(serverFrame(0x02, Buffer.from('he')));
  decoder.push(serverFrame(0x89, Buffer.from('ping')));
  decoder.push(serverFrame(0x80, Buffer.from('llo')));
  assert.deepEqual(seen, ['control 9', 'hello']);
});

test('a masked frame from the server is refused', () => {
  const decoder = new FrameDecoder({ message: () => {}, control: () => {} });
  assert.throws(() => decoder.push(encodeFrame(2, Buffer.from('x'), Buffer.alloc(4))), /masked frame/);
});
