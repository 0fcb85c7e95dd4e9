import { FLAG, FRAME, HTTP2_ERROR, http2ErrorName, PREFACE } from './codes.ts';
import { FrameReader } from './frame-reader.ts';

/** One frame with its header. */
export function frame(type: number, flags: number, streamId: number, payload: Buffer | readonly number[] = []): Buffer {
  const body = Buffer.from(payload);
  const header = Buffer.alloc(9);
  header.writeUIntBE(body.length, 0, 3);
  header[3] = type;
  header[4] = flags;
  header.writeUInt32BE(streamId, 5);
  return Buffer.concat([header, body]);
}

export const uint32 = (value: number) => {
  const buf = Buffer.alloc(4);
  buf.writeUInt32BE(value);
  return buf;
};

/** A header block of literals without index, nothing coded. */
export function block(fields: readonly (readonly [string, string])[]): Buffer {
  const parts = fields.flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]);
  return Buffer.concat(parts);
}

function text(value: string): Buffer {
  const body = Buffer.from(value, 'latin1');
  const length = body.length < 127 ? [body.length] : [127, ((body.length - 127) & 127) | 128, (body.length - 127) >> 7];
  return Buffer.concat([Buffer.from(length), body]);
}

export const REQUEST: readonly (readonly [string, string])[] = [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':path', '/'],
  [':authority', 'a'],
];

/** HEADERS with a whole block. */
export const headers = (
  streamId: number,
  fields: readonly (readonly [string, string])[],
  flags: number = FLAG.endStream | FLAG.endHeaders,
) => frame(FRAME.headers, flags, streamId, block(fields));
export const data = (streamId: number, body: string, end = false) =>
  frame(FRAME.data, end ? FLAG.endStream : 0, streamId, Buffer.from(body));
export const rst = (streamId: number, code: number = HTTP2_ERROR.CANCEL) =>
  frame(FRAME.rstStream, 0, streamId, uint32(code));
export const settings = (...pairs: (readonly [number, number])[]) =>
  frame(
    FRAME.settings,
    0,
    0,
    Buffer.concat(pairs.map(([id, value]) => Buffer.concat([Buffer.from([0, id]), uint32(value)]))),
  );
export const settingsAck = () => frame(FRAME.settings, FLAG.ack, 0);
export const windowUpdate = (streamId: number, bytes: number) => frame(FRAME.windowUpdate, 0, streamId, uint32(bytes));
export const ping = (flags = 0) => frame(FRAME.ping, flags, 0, Buffer.from('pingpong'));
export const goaway = (lastStreamId: number, code: number) =>
  frame(FRAME.goaway, 0, 0, Buffer.concat([uint32(lastStreamId), uint32(code)]));
/** What a client says first. */
export const hello = () => Buffer.concat([PREFACE, settings(), settingsAck()]);

const NAMES = Object.keys(FRAME) as (keyof typeof FRAME)[];

/** Frames as text, e.g. `rstStream 1 CANCEL`, without the settings and windows that every connection begins with. */
export function showFrames(bytes: Buffer): string[] {
  const shown: string[] = [];
  const reader = new FrameReader(1 << 24, {
    isOver: false,
    dataStart: (flags, streamId, _length, dataLength) =>
      shown.push(`data ${streamId} ${dataLength}${(flags & FLAG.endStream) !== 0 ? ' end' : ''}`),
    dataRun() {},
    frame(type, flags, streamId, buf, start, end) {
      const name = NAMES[type] ?? `unknown ${type}`;
      const ack = (flags & FLAG.ack) !== 0;
      if (type === FRAME.settings) shown.push(ack ? 'settings ack' : 'settings');
      else if (type === FRAME.ping) shown.push(`ping${ack ? ' ack' : ''}`);
      else if (type === FRAME.rstStream) shown.push(`rstStream ${streamId} ${http2ErrorName(buf.readUInt32BE(start))}`);
      else if (type === FRAME.goaway)
        shown.push(`goaway ${buf.readUInt32BE(start)} ${http2ErrorName(buf.readUInt32BE(start + 4))}`);
      else if (type === FRAME.windowUpdate) shown.push(`windowUpdate ${streamId} ${buf.readUInt32BE(start)}`);
      else shown.push(`${name} ${streamId}${ack ? ' end' : ''}${end - start > 16_384 ? ' large' : ''}`);
    },
    frameFault: (code) => shown.push(`fault ${code}`),
  });
  const start = bytes.subarray(0, PREFACE.length).equals(PREFACE) ? PREFACE.length : 0;
  reader.read(bytes, start, bytes.length);
  return shown;
}
