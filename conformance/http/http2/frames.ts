/** HTTP/2 frames (RFC 9113) made and read by hand. */

export const TYPE = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  push: 5,
  ping: 6,
  goaway: 7,
  window: 8,
  continuation: 9,
} as const;

export const FLAG = { endStream: 0x1, ack: 0x1, endHeaders: 0x4, padded: 0x8, priority: 0x20 } as const;

export const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** `length`: what the frame says of itself when that is not true. */
export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Buffer | string = '',
  length?: number,
): Buffer {
  const body = typeof payload === 'string' ? Buffer.from(payload, 'latin1') : payload;
  const head = Buffer.alloc(9);
  head.writeUIntBE(length ?? body.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, body]);
}

/** A four-byte payload. */
export function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

/** Settings by identifier (section 6.5.2). */
export const settings = (values: readonly (readonly [id: number, value: number])[] = []): Buffer =>
  frame(
    TYPE.settings,
    0,
    0,
    Buffer.concat(values.map(([id, value]) => Buffer.concat([Buffer.from([0, id]), word(value)]))),
  );

export const SETTING = { tableSize: 1, push: 2, streams: 3, window: 4, frameSize: 5, listSize: 6 } as const;

/** Takes frames off the front of a stream of bytes. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): Frame[] {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const frames: Frame[] = [];
    let at = 0;
    while (this.#rest.length - at >= 9) {
      const end = at + 9 + this.#rest.readUIntBE(at, 3);
      if (this.#rest.length < end) break;
      const head = this.#rest.subarray(at, at + 9);
      frames.push({
        type: head[3]!,
        flags: head[4]!,
        stream: head.readUInt32BE(5) & 0x7fffffff,
        payload: this.#rest.subarray(at + 9, end),
      });
      at = end;
    }
    this.#rest = this.#rest.subarray(at);
    return frames;
  }
}

/** The payload of DATA or HEADERS without padding and priority. */
export function content({ type, flags, payload }: Frame): Buffer {
  const padded = (flags & FLAG.padded) !== 0;
  const start = (padded ? 1 : 0) + (type === TYPE.headers && flags & FLAG.priority ? 5 : 0);
  return payload.subarray(start, payload.length - (padded ? payload[0]! : 0));
}
