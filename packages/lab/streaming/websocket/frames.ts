/** WebSocket frames (RFC 6455 section 5) of a server, sans-I/O: clients' frames are masked, ours are not; no extensions. */
import { LIMITS } from '../limits.ts';

/** Opcodes of messages and control frames. */
export const OPCODES = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** Codes of the close frame. */
export const CLOSE = { normal: 1000, protocolError: 1002, tooBig: 1009, internalError: 1011 } as const;

/** A whole message (fragments joined) or a control frame. */
export interface WebSocketMessage {
  kind: 'text' | 'binary' | 'close' | 'ping' | 'pong';
  data: Uint8Array;
}

/** The peer broke the protocol; `code` goes into the close frame. */
export class WebSocketError extends Error {
  override readonly name = 'WebSocketError';
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

const KINDS: Readonly<Record<number, WebSocketMessage['kind']>> = {
  1: 'text',
  2: 'binary',
  8: 'close',
  9: 'ping',
  10: 'pong',
};

interface Head {
  fin: boolean;
  opcode: number;
  bytes: number;
  length: number;
  mask: Uint8Array;
}

/** Cuts a client's byte stream into messages. */
export class WebSocketDecoder {
  private pending: Uint8Array = new Uint8Array(0);
  private fragments: { kind: WebSocketMessage['kind']; parts: Uint8Array[]; bytes: number } | undefined;

  /** Messages complete with this chunk, in order. @throws WebSocketError */
  push(chunk: Uint8Array): WebSocketMessage[] {
    const bytes = this.pending.length === 0 ? chunk : Buffer.concat([this.pending, chunk]);
    const messages: WebSocketMessage[] = [];
    let at = 0;
    for (;;) {
      const head = readHead(bytes, at);
      if (!head || bytes.length - at < head.bytes + head.length) break;
      const payload = unmask(bytes.subarray(at + head.bytes, at + head.bytes + head.length), head.mask);
      at += head.bytes + head.length;
      const message = this.assemble(head, payload);
      if (message) messages.push(message);
    }
    this.pending = bytes.subarray(at);
    return messages;
  }

  private assemble({ fin, opcode }: Head, payload: Uint8Array): WebSocketMessage | undefined {
    if (opcode >= OPCODES.close) return { kind: KINDS[opcode]!, data: payload };
    if (opcode === OPCODES.continuation) {
      if (!this.fragments) throw new WebSocketError(CLOSE.protocolError, 'continuation without a beginning');
      this.fragments.parts.push(payload);
      this.fragments.bytes += payload.length;
    } else {
      if (this.fragments) throw new WebSocketError(CLOSE.protocolError, 'a new message within a fragmented one');
      this.fragments = { kind: KINDS[opcode]!, parts: [payload], bytes: payload.length };
    }
    const { kind, parts, bytes } = this.fragments;
    if (bytes > LIMITS.webSocketMessageBytesMax) throw tooBig(bytes);
    if (!fin) return undefined;
    this.fragments = undefined;
    return { kind, data: parts.length === 1 ? parts[0]! : Buffer.concat(parts) };
  }
}

const tooBig = (bytes: number): WebSocketError =>
  new WebSocketError(CLOSE.tooBig, `message of ${bytes} bytes, at most ${LIMITS.webSocketMessageBytesMax} are taken`);

/** The frame's head at an offset, or undefined while it is incomplete. */
function readHead(bytes: Uint8Array, at: number): Head | undefined {
  if (bytes.length - at < 2) return undefined;
  const [first, second] = [bytes[at]!, bytes[at + 1]!];
  const opcode = first & 0x0f;
  const fin = (first & 0x80) !== 0;
  const short = second & 0x7f;
  if ((first & 0x70) !== 0) throw new WebSocketError(CLOSE.protocolError, 'reserved bits without an extension');
  if (opcode !== OPCODES.continuation && !KINDS[opcode])
    throw new WebSocketError(CLOSE.protocolError, `opcode ${opcode}`);
  if ((second & 0x80) === 0) throw new WebSocketError(CLOSE.protocolError, 'a client must mask its frames');
  if (opcode >= OPCODES.close && (!fin || short > 125))
    throw new WebSocketError(CLOSE.protocolError, 'control frame too long or in pieces');
  const extended = short === 126 ? 2 : short === 127 ? 8 : 0;
  const headBytes = 2 + extended + 4;
  if (bytes.length - at < headBytes) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, headBytes);
  const length = extended === 0 ? short : extended === 2 ? view.getUint16(2) : Number(view.getBigUint64(2));
  if (length > LIMITS.webSocketMessageBytesMax) throw tooBig(length);
  const mask = bytes.subarray(at + 2 + extended, at + headBytes);
  return { fin, opcode, bytes: headBytes, length, mask };
}

function unmask(payload: Uint8Array, mask: Uint8Array): Uint8Array {
  const clear = Buffer.allocUnsafe(payload.length);
  for (let at = 0; at < payload.length; at++) clear[at] = payload[at]! ^ mask[at & 3]!;
  return clear;
}

/** One unfragmented frame of a server; the payload may be given in parts. */
export function encodeFrame(opcode: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const extended = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const frame = Buffer.allocUnsafe(2 + extended + length);
  frame[0] = 0x80 | opcode;
  frame[1] = extended === 0 ? length : extended === 2 ? 126 : 127;
  if (extended === 2) frame.writeUInt16BE(length, 2);
  if (extended === 8) frame.writeBigUInt64BE(BigInt(length), 2);
  let at = 2 + extended;
  for (const part of parts) {
    frame.set(part, at);
    at += part.length;
  }
  return frame;
}

/** The payload of a close frame. */
export function closePayload(code: number, reason = ''): Uint8Array {
  const text = Buffer.from(reason).subarray(0, 123);
  return Buffer.concat([Buffer.from([code >> 8, code & 0xff]), text]);
}
