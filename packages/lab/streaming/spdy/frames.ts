/**
 * SPDY/3.1 frames (draft-mbelshe-httpbis-spdy-00, section 2.2), sans-I/O. Control: version 3 | type | flags | length; data:
 * stream id | flags | length. Only what Kubernetes clients send and need is told apart.
 */
import { LIMITS } from '../limits.ts';

const CONTROL_BIT = 0x8000_0000;
const VERSION = 3;
const HEADER_BYTES = 8;
const FLAG_FIN = 0x01;

/** Frame types of control frames. */
export const TYPES = {
  synStream: 1,
  synReply: 2,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  headers: 8,
  windowUpdate: 9,
} as const;

/** Reasons of RST_STREAM. */
export const RST = { protocolError: 1, refusedStream: 3, cancel: 5, internalError: 6 } as const;

export type SpdyFrame =
  /** Opens a stream; `block` is its compressed header block. */
  | { type: 'synStream'; streamId: number; fin: boolean; block: Uint8Array }
  /** Accepts a stream, or more headers for one; `block` must be decompressed to keep the context whole. */
  | { type: 'synReply' | 'headers'; streamId: number; fin: boolean; block: Uint8Array }
  /** A piece of a data frame; `fin` on the last piece of a frame with that flag. */
  | { type: 'data'; streamId: number; fin: boolean; bytes: Uint8Array }
  | { type: 'rstStream'; streamId: number; reason: number }
  | { type: 'ping'; id: number }
  | { type: 'goAway' }
  /** Settings, window updates and unknown types: nothing to do. */
  | { type: 'ignored' };

/** The peer broke the protocol; the connection cannot go on. */
export class SpdyError extends Error {
  override readonly name = 'SpdyError';
}

/** Cuts a byte stream into frames. Data frames come in pieces as bytes arrive, control frames whole. */
export class SpdyDecoder {
  private pending: Uint8Array = new Uint8Array(0);
  private data: { streamId: number; fin: boolean; left: number } | undefined;

  /** Frames that are complete with this chunk, in order. @throws SpdyError */
  push(chunk: Uint8Array): SpdyFrame[] {
    const bytes = this.pending.length === 0 ? chunk : Buffer.concat([this.pending, chunk]);
    const frames: SpdyFrame[] = [];
    let at = 0;
    for (;;) {
      if (this.data) {
        const end = Math.min(bytes.length, at + this.data.left);
        if (end === at && this.data.left > 0) break;
        frames.push(this.takeData(bytes.subarray(at, end)));
        at = end;
        continue;
      }
      if (bytes.length - at < HEADER_BYTES) break;
      const head = new DataView(bytes.buffer, bytes.byteOffset + at, HEADER_BYTES);
      const first = head.getUint32(0);
      const flags = head.getUint8(4);
      const length = head.getUint32(4) & 0xff_ffff;
      if ((first & CONTROL_BIT) === 0) {
        this.data = { streamId: first, fin: (flags & FLAG_FIN) !== 0, left: length };
        at += HEADER_BYTES;
        continue;
      }
      if (length > LIMITS.spdyControlFrameBytesMax) throw new SpdyError(`control frame of ${length} bytes`);
      if (bytes.length - at < HEADER_BYTES + length) break;
      const body = bytes.subarray(at + HEADER_BYTES, at + HEADER_BYTES + length);
      frames.push(controlFrame((first >>> 16) & 0x7fff, first & 0xffff, flags, body));
      at += HEADER_BYTES + length;
    }
    this.pending = bytes.subarray(at);
    return frames;
  }

  private takeData(bytes: Uint8Array): SpdyFrame {
    const { streamId, fin, left } = this.data!;
    const rest = left - bytes.length;
    this.data = rest > 0 ? { streamId, fin, left: rest } : undefined;
    return { type: 'data', streamId, fin: fin && rest === 0, bytes };
  }
}

/** Least bytes of a control frame's body before its variable part. */
const FIXED_BYTES: Readonly<Record<number, number>> = {
  [TYPES.synStream]: 10,
  [TYPES.synReply]: 4,
  [TYPES.headers]: 4,
  [TYPES.rstStream]: 8,
  [TYPES.ping]: 4,
};

function controlFrame(version: number, type: number, flags: number, body: Uint8Array): SpdyFrame {
  if (version !== VERSION) throw new SpdyError(`version ${version}, expected ${VERSION}`);
  const fixed = FIXED_BYTES[type] ?? 0;
  if (body.length < fixed) throw new SpdyError(`frame of type ${type} has ${body.length} bytes, expected ${fixed}`);
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  const streamId = fixed > 0 ? view.getUint32(0) & 0x7fff_ffff : 0;
  const fin = (flags & FLAG_FIN) !== 0;
  switch (type) {
    case TYPES.synStream:
      return { type: 'synStream', streamId, fin, block: body.subarray(fixed) };
    case TYPES.synReply:
      return { type: 'synReply', streamId, fin, block: body.subarray(fixed) };
    case TYPES.headers:
      return { type: 'headers', streamId, fin, block: body.subarray(fixed) };
    case TYPES.rstStream:
      return { type: 'rstStream', streamId, reason: view.getUint32(4) };
    case TYPES.ping:
      return { type: 'ping', id: view.getUint32(0) };
    case TYPES.goAway:
      return { type: 'goAway' };
    default:
      return { type: 'ignored' };
  }
}

function control(type: number, flags: number, body: Uint8Array): Uint8Array {
  const frame = Buffer.allocUnsafe(HEADER_BYTES + body.length);
  frame.writeUInt32BE((CONTROL_BIT | (VERSION << 16) | type) >>> 0, 0);
  frame.writeUInt32BE(((flags << 24) | body.length) >>> 0, 4);
  frame.set(body, HEADER_BYTES);
  return frame;
}

const uint32s = (...values: number[]): Uint8Array => {
  const bytes = Buffer.allocUnsafe(values.length * 4);
  for (const [at, value] of values.entries()) bytes.writeUInt32BE(value >>> 0, at * 4);
  return bytes;
};

/** Opens a stream (clients do; tests need it). */
export const encodeSynStream = (streamId: number, block: Uint8Array, fin = false): Uint8Array =>
  control(TYPES.synStream, fin ? FLAG_FIN : 0, Buffer.concat([uint32s(streamId, 0), Buffer.from([0, 0]), block]));

/** Accepts a stream. */
export const encodeSynReply = (streamId: number, block: Uint8Array): Uint8Array =>
  control(TYPES.synReply, 0, Buffer.concat([uint32s(streamId), block]));

export const encodeRstStream = (streamId: number, reason: number): Uint8Array =>
  control(TYPES.rstStream, 0, uint32s(streamId, reason));

export const encodePing = (id: number): Uint8Array => control(TYPES.ping, 0, uint32s(id));

/** Says that no stream above `lastStreamId` will be served. */
export const encodeGoAway = (lastStreamId: number): Uint8Array => control(TYPES.goAway, 0, uint32s(lastStreamId, 0));

/** One data frame. The payload must be shorter than 16 MiB. */
export function encodeData(streamId: number, bytes: Uint8Array, fin = false): Uint8Array {
  const frame = Buffer.allocUnsafe(HEADER_BYTES + bytes.length);
  frame.writeUInt32BE(streamId & 0x7fff_ffff, 0);
  frame.writeUInt32BE((((fin ? FLAG_FIN : 0) << 24) | bytes.length) >>> 0, 4);
  frame.set(bytes, HEADER_BYTES);
  return frame;
}
