import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { clientFrame } from './client.fake.ts';
import { encodeFrame, OPCODES, WebSocketDecoder, WebSocketError } from './frames.ts';
import { acceptHeaders, offeredProtocols } from './handshake.ts';

const texts = (messages: readonly { kind: string; data: Uint8Array }[]): string[] =>
  messages.map(({ kind, data }) => `${kind} ${Buffer.from(data).toString('latin1')}`);

test('however the bytes are split, the same messages come out', () => {
  const frame = fc.tuple(
    fc.constantFrom(OPCODES.text, OPCODES.binary, OPCODES.ping),
    fc.uint8Array({ maxLength: 120 }),
  );
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 8 }), fc.integer({ min: 1, max: 50 }), (frames, size) => {
      const all = Buffer.concat(frames.map(([opcode, payload]) => clientFrame(opcode, payload)));
      const decoder = new WebSocketDecoder();
      const pieces = [];
      for (let at = 0; at < all.length; at += size) pieces.push(...decoder.push(all.subarray(at, at + size)));
      assert.deepEqual(texts(pieces), texts(new WebSocketDecoder().push(all)));
      assert.equal(pieces.length, frames.length);
    }),
  );
});

test('fragments are joined, with a ping in between', () => {
  const bytes = Buffer.concat([
    clientFrame(OPCODES.binary, Buffer.from('ab'), { fin: false }),
    clientFrame(OPCODES.ping, Buffer.from('?')),
    clientFrame(OPCODES.continuation, Buffer.from('cd')),
  ]);
  assert.deepEqual(texts(new WebSocketDecoder().push(bytes)), ['ping ?', 'binary abcd']);
});

test('long payloads have extended lengths, in both directions', () => {
  for (const length of [125, 126, 65_535, 65_536]) {
    const payload = Buffer.alloc(length, 'x');
    assert.equal(new WebSocketDecoder().push(clientFrame(OPCODES.binary, payload))[0]?.data.length, length);
    const frame = encodeFrame(OPCODES.binary, payload.subarray(0, 5), payload.subarray(5));
    assert.equal(frame.length - length, length < 126 ? 2 : length < 65_536 ? 4 : 10);
  }
});

const refused = (bytes: Uint8Array, code: number): void =>
  assert.throws(
    () => new WebSocketDecoder().push(bytes),
    (error: unknown) => error instanceof WebSocketError && error.code === code,
  );

test('breaches of the protocol are refused with their code', () => {
  refused(encodeFrame(OPCODES.binary, Buffer.from('unmasked')), 1002);
  refused(clientFrame(OPCODES.continuation, Buffer.from('x')), 1002);
  refused(clientFrame(OPCODES.ping, Buffer.alloc(126)), 1002);
  refused(clientFrame(3, Buffer.from('x')), 1002);
  refused(Buffer.concat([Buffer.from([0x82, 0xff]), Buffer.from('0000000100000000', 'hex'), Buffer.alloc(4)]), 1009);
});

test('the handshake proves itself with the key of the RFC and returns the protocol as it came', () => {
  const headers = {
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'sec-websocket-protocol': 'v5.channel.k8s.io, SPDY/3.1+portforward.k8s.io',
  };
  assert.equal(
    acceptHeaders(headers, 'SPDY/3.1+portforward.k8s.io')['Sec-WebSocket-Accept'],
    's3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
  );
  assert.deepEqual(offeredProtocols(headers), ['v5.channel.k8s.io', 'SPDY/3.1+portforward.k8s.io']);
});
