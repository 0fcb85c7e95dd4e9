import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeTransportHeader, encodeTransportHeader, type TransportHeader } from './index.ts';

test('a header on the wire is preface, big-endian length and message', () => {
  assert.equal(
    encodeTransportHeader({ port: 8080, name: '', session: 'http/2' }).toString('latin1'),
    'transport.l5d.io/v1\r\n\r\n\x00\x00\x00\x07\x08\x90\x3f\x1a\x02\x12\x00',
  );
});

const header = fc.record<TransportHeader>(
  {
    port: fc.integer({ min: 1, max: 65535 }),
    name: fc.oneof(fc.constant(''), fc.domain()),
    session: fc.constantFrom(undefined, 'http/1', 'http/2'),
    client: fc.domain(),
  },
  { noNullPrototype: true, requiredKeys: ['port', 'name', 'session'] },
);

test('every header comes back, and only when it is complete', () => {
  fc.assert(
    fc.property(header, fc.uint8Array({ maxLength: 5 }), (want, rest) => {
      const bytes = encodeTransportHeader(want);
      for (let length = 0; length < bytes.length; length++)
        assert.equal(decodeTransportHeader(bytes, length).kind, 'more');
      const all = Buffer.concat([bytes, rest]);
      assert.deepEqual(decodeTransportHeader(all, all.length), { kind: 'header', header: want, next: bytes.length });
    }),
  );
});

test('skips unknown fields', () => {
  const known = encodeTransportHeader({ port: 7, name: 'a', session: undefined });
  const bytes = Buffer.concat([known, Buffer.from([0x78, 0x05, 0x7a, 0x01, 0x09])]);
  bytes.writeUInt32BE(known.length - 27 + 5, 23);
  const result = decodeTransportHeader(bytes, bytes.length);
  assert.deepEqual(result, { kind: 'header', header: { port: 7, name: 'a', session: undefined }, next: bytes.length });
});

test('refuses a wrong preface at its first wrong byte, an endless length and port 0', () => {
  assert.equal(decodeTransportHeader(Buffer.from('transport.x'), 11).kind, 'invalid');
  const bytes = encodeTransportHeader({ port: 1, name: '', session: undefined });
  const long = Buffer.from(bytes);
  long.writeUInt32BE(0xffffffff, 23);
  assert.equal(decodeTransportHeader(long, long.length).kind, 'invalid');
  const zero = encodeTransportHeader({ port: 0, name: 'x', session: undefined });
  assert.equal(decodeTransportHeader(zero, zero.length).kind, 'invalid');
  const cut = Buffer.from(bytes);
  cut[27] = 0x0a;
  cut[28] = 0x7f;
  assert.equal(decodeTransportHeader(cut, cut.length).kind, 'invalid');
});
