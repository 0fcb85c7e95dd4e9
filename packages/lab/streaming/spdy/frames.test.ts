import assert from 'node:assert/strict';
import { test } from 'node:test';
import { constants, createDeflate } from 'node:zlib';
import fc from 'fast-check';
import {
  encodeData,
  encodeGoAway,
  encodePing,
  encodeRstStream,
  encodeSynStream,
  SpdyDecoder,
  SpdyError,
  type SpdyFrame,
} from './frames.ts';
import { DICTIONARY, decodeHeaders, encodeHeaders, HeaderDeflater, HeaderInflater } from './headers.ts';

/** Frames with the pieces of one data frame joined, so that they compare whatever the split. */
function joined(frames: readonly SpdyFrame[]): unknown[] {
  const result: { type: string; streamId?: number; text?: string }[] = [];
  for (const frame of frames) {
    const last = result.at(-1);
    if (frame.type === 'data') {
      const text = Buffer.from(frame.bytes).toString('latin1');
      if (last?.type === 'data…' && last.streamId === frame.streamId) {
        last.text += text;
        if (frame.fin) last.type = 'data fin';
      } else result.push({ type: frame.fin ? 'data fin' : 'data…', streamId: frame.streamId, text });
    } else if (frame.type === 'synStream')
      result.push({ ...frame, text: Buffer.from(frame.block).toString('latin1'), block: undefined } as never);
    else result.push(frame as never);
  }
  return result;
}

const id = fc.integer({ min: 1, max: 2 ** 31 - 1 });
const bytes = fc.uint8Array({ maxLength: 300 });
const anyFrame = fc.oneof(
  fc.tuple(id, bytes, fc.boolean()).map(([streamId, payload, fin]) => encodeData(streamId, payload, fin)),
  fc.tuple(id, bytes, fc.boolean()).map(([streamId, block, fin]) => encodeSynStream(streamId, block, fin)),
  fc.tuple(id, fc.nat(11)).map(([streamId, reason]) => encodeRstStream(streamId, reason)),
  id.map(encodePing),
  id.map(encodeGoAway),
);

test('however the bytes are split, the same frames come out', () => {
  fc.assert(
    fc.property(
      fc.array(anyFrame, { maxLength: 12 }),
      fc.array(fc.integer({ min: 1, max: 97 }), { minLength: 1 }),
      (frames, sizes) => {
        const all = Buffer.concat(frames);
        const whole = new SpdyDecoder().push(all);
        const decoder = new SpdyDecoder();
        const pieces: SpdyFrame[] = [];
        for (let at = 0, turn = 0; at < all.length; turn++) {
          const size = sizes[turn % sizes.length]!;
          pieces.push(...decoder.push(all.subarray(at, at + size)));
          at += size;
        }
        assert.deepEqual(joined(pieces), joined(whole));
      },
    ),
  );
});

test('each frame decodes to what was encoded', () => {
  const frames = new SpdyDecoder().push(
    Buffer.concat([
      encodeSynStream(1, Buffer.from('block')),
      encodeData(1, Buffer.from('hi'), true),
      encodeRstStream(3, 5),
      encodePing(7),
      encodeGoAway(1),
    ]),
  );
  assert.deepEqual(
    frames.map(({ type }) => type),
    ['synStream', 'data', 'rstStream', 'ping', 'goAway'],
  );
  assert.deepEqual(frames[1], { type: 'data', streamId: 1, fin: true, bytes: Buffer.from('hi') });
  assert.deepEqual(frames[2], { type: 'rstStream', streamId: 3, reason: 5 });
});

test('refuses another version, a control frame beyond the limit and one that is too short', () => {
  const http2 = Buffer.from('80020001000000000000', 'hex');
  assert.throws(() => new SpdyDecoder().push(http2), SpdyError);
  assert.throws(
    () => new SpdyDecoder().push(Buffer.from('8003000100ffffff', 'hex')),
    /control frame of 16777215 bytes/,
  );
  assert.throws(() => new SpdyDecoder().push(Buffer.from('800300060000000100', 'hex')), /expected 4/);
});

test('the dictionary is the one that the draft prints', () => {
  let [a, b] = [1, 0];
  for (const byte of DICTIONARY) {
    a = (a + byte) % 65_521;
    b = (b + a) % 65_521;
  }
  assert.equal(DICTIONARY.length, 1423);
  assert.equal(((b << 16) | a) >>> 0, 0xe3c6a7c2);
});

test('headers survive encoding; blocks that end early are refused', () => {
  const headers = { streamtype: 'data', port: '8080', requestid: '0' };
  assert.deepEqual(decodeHeaders(encodeHeaders(headers)), headers);
  assert.throws(() => decodeHeaders(encodeHeaders(headers).subarray(0, 20)), SpdyError);
});

test('blocks of one compression context are read one after the other', async () => {
  const deflate = createDeflate({ dictionary: Buffer.from(DICTIONARY), flush: constants.Z_SYNC_FLUSH });
  const pieces: Buffer[] = [];
  deflate.on('data', (piece: Buffer) => pieces.push(piece));
  const inflater = new HeaderInflater();
  for (let at = 0; at < 5; at++) {
    const headers = { streamtype: at % 2 ? 'data' : 'error', requestid: String(at), port: '80' };
    await new Promise<void>((done) => deflate.write(encodeHeaders(headers), () => done()));
    assert.deepEqual(await inflater.decode(Buffer.concat(pieces.splice(0))), headers);
  }
  inflater.close();
});

test('our own stored blocks are valid for any decompressor', async () => {
  const inflater = new HeaderInflater();
  const deflater = new HeaderDeflater();
  for (const headers of [{}, { a: 'b' }, { long: 'x'.repeat(40_000) }])
    assert.deepEqual(await inflater.decode(deflater.encode(headers)), headers);
  inflater.close();
});

test('a block that does not decompress, or grows beyond the limit, is refused', async () => {
  const broken = new HeaderInflater();
  await assert.rejects(broken.decode(Buffer.from('no zlib at all')), SpdyError);
  const bomb = new HeaderInflater();
  await assert.rejects(bomb.decode(new HeaderDeflater().encode({ long: 'x'.repeat(70_000) })), /more than 65536 bytes/);
  broken.close();
  bomb.close();
});
