import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { splitBytes } from '../testing/index.ts';
import {
  codeOf,
  decodeMessageText,
  decodeTimeout,
  encodeGrpcMessage,
  encodeMessageText,
  encodeTimeout,
  GrpcDecoder,
  grpcStatusOf,
} from './index.ts';

const MESSAGE_BYTES_MAX = 1000;

function decode(pieces: readonly Buffer[]): { events: string[]; hasRemainder: boolean } {
  const events: string[] = [];
  const decoder = new GrpcDecoder(MESSAGE_BYTES_MAX, {
    message: (buf, start, end) => events.push(Buffer.from(buf.subarray(start, end)).toString('hex')),
    fault: (code) => events.push(code),
  });
  for (const piece of pieces) decoder.push(Buffer.concat([Buffer.from('xx'), piece]), 2, piece.length + 2);
  return { events, hasRemainder: decoder.hasRemainder };
}

test('messages come out as they went in, however the bytes are split', () => {
  const messages = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 6 });
  fc.assert(
    fc.property(messages, fc.array(fc.nat(30)), (sent, sizes) => {
      const bytes = Buffer.concat(sent.map(encodeGrpcMessage));
      const pieces = splitBytes(bytes, sizes);
      assert.deepEqual(
        decode(pieces).events,
        sent.map((message) => Buffer.from(message).toString('hex')),
      );
      assert.equal(decode(pieces).hasRemainder, false);
    }),
  );
});

test('a cut message is left over', () => {
  const bytes = encodeGrpcMessage(Buffer.from('hello'));
  for (let end = 1; end < bytes.length; end++)
    assert.deepEqual(decode([bytes.subarray(0, end)]), { events: [], hasRemainder: true });
});

test('refuses compressed and oversized messages, and takes nothing behind them', () => {
  const good = encodeGrpcMessage(Buffer.from('a'));
  assert.deepEqual(decode([good, Buffer.from([1, 0, 0, 0, 0]), good]).events, ['61', 'UNIMPLEMENTED']);
  assert.deepEqual(decode([Buffer.from([0, 0, 0, 0x03, 0xe9]), good]).events, ['RESOURCE_EXHAUSTED']);
  assert.deepEqual(decode([Buffer.from([0, 0xff, 0xff, 0xff, 0xff]), good]).events, ['RESOURCE_EXHAUSTED']);
});

test('status texts survive the header', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const encoded = encodeMessageText(text);
      assert.match(encoded, /^[ -~]*$/);
      assert.equal(decodeMessageText(encoded), text);
    }),
  );
  assert.equal(encodeMessageText('100% é\n'), '100%25 %C3%A9%0A');
  assert.equal(decodeMessageText('50% of %zz'), '50% of %zz');
});

test('a status is a number of the table or unknown', () => {
  assert.deepEqual(['0', '16', '17', '', 'x', '007', '-1'].map(grpcStatusOf), [0, 16, -1, -1, -1, -1, -1]);
  assert.deepEqual(['4', '99'].map(codeOf), ['DEADLINE_EXCEEDED', 'UNKNOWN']);
});

test('time-outs round up and never vanish', () => {
  assert.deepEqual(['1S', '1500u', '7n', '99999999H', '', '1', '123456789S'].map(decodeTimeout), [
    1000,
    2,
    1,
    99999999 * 3_600_000,
    undefined,
    undefined,
    undefined,
  ]);
  fc.assert(fc.property(fc.integer({ min: 0, max: 1e8 - 1 }), (ms) => decodeTimeout(encodeTimeout(ms)) === ms));
  assert.equal(encodeTimeout(1e8), '100000S');
});
