/** Header blocks of SPDY/3: name/value pairs with 32-bit lengths, compressed in one zlib context a direction. */
import { constants, createInflate, type Inflate } from 'node:zlib';
import { LIMITS } from '../limits.ts';
import { SpdyError } from './frames.ts';

/** Names in lower case; several values of one name are joined by NUL in the block and by `, ` here. */
export type SpdyHeaders = Readonly<Record<string, string>>;

const WORDS =
  'options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow authorization cache-control connection content-base content-encoding content-language content-length content-location content-md5 content-range content-type date etag expect expires from host if-match if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards pragma proxy-authenticate proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade user-agent vary via warning www-authenticate method get status 200_OK version HTTP/1.1 url public set-cookie keep-alive origin'
    .split(' ')
    .map((word) => word.replace('_', ' '));
const CODES =
  '100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505' +
  '203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden' +
  '404 Not Found500 Internal Server Error501 Not Implemented503 Service Unavailable';
const REST =
  'Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT' +
  'chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,text/javascript,' +
  'publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.';

/** The dictionary that both sides prime their compression with (SPDY/3 section 2.6.10.1): 1423 bytes. */
export const DICTIONARY: Uint8Array = Buffer.concat([...WORDS.flatMap(withLength), Buffer.from(CODES + REST)]);

function withLength(word: string): Buffer[] {
  const length = Buffer.allocUnsafe(4);
  length.writeUInt32BE(Buffer.byteLength(word));
  return [length, Buffer.from(word)];
}

/** Encodes headers as an uncompressed block. */
export function encodeHeaders(headers: SpdyHeaders): Uint8Array {
  const entries = Object.entries(headers);
  const count = Buffer.allocUnsafe(4);
  count.writeUInt32BE(entries.length);
  return Buffer.concat([count, ...entries.flatMap(([name, value]) => [...withLength(name), ...withLength(value)])]);
}

/** Reads an uncompressed block. @throws SpdyError when lengths do not fit */
export function decodeHeaders(block: Uint8Array): SpdyHeaders {
  const bytes = Buffer.from(block.buffer, block.byteOffset, block.length);
  let at = 0;
  const number = (): number => {
    if (at + 4 > bytes.length) throw new SpdyError('header block ends early');
    at += 4;
    return bytes.readUInt32BE(at - 4);
  };
  const text = (): string => {
    const length = number();
    if (at + length > bytes.length) throw new SpdyError('header block ends early');
    at += length;
    return bytes.toString('utf8', at - length, at);
  };
  const headers: Record<string, string> = {};
  for (let left = number(); left > 0; left--) {
    const name = text().toLowerCase();
    headers[name] = text().replaceAll('\u0000', ', ');
  }
  return headers;
}

/** Decompresses the blocks of one direction. Blocks must be given one after the other, each awaited. */
export class HeaderInflater {
  private readonly inflate: Inflate = createInflate({
    dictionary: Buffer.from(DICTIONARY),
    flush: constants.Z_SYNC_FLUSH,
    finishFlush: constants.Z_SYNC_FLUSH,
  });
  private pieces: Uint8Array[] = [];
  private bytes = 0;
  private failed: ((error: Error) => void) | undefined;

  constructor() {
    this.inflate.on('data', (piece: Uint8Array) => {
      this.bytes += piece.length;
      if (this.bytes <= LIMITS.spdyHeaderBytesMax) this.pieces.push(piece);
    });
    this.inflate.on('error', (error) => this.failed?.(new SpdyError(`header block: ${error.message}`)));
  }

  /** @throws SpdyError */
  async decode(block: Uint8Array): Promise<SpdyHeaders> {
    this.pieces = [];
    this.bytes = 0;
    await new Promise<void>((resolve, reject) => {
      this.failed = reject;
      this.inflate.write(block, () => resolve());
    });
    if (this.bytes > LIMITS.spdyHeaderBytesMax)
      throw new SpdyError(`header block of more than ${LIMITS.spdyHeaderBytesMax} bytes`);
    return decodeHeaders(Buffer.concat(this.pieces));
  }

  close(): void {
    this.inflate.destroy();
  }
}

/** zlib's header without dictionary: our blocks are stored, not compressed, which every decompressor reads. */
const ZLIB_HEADER = Buffer.from([0x78, 0x01]);
const STORED_BYTES_MAX = 65_535;
/** An empty stored block, as Z_SYNC_FLUSH writes it: Go's inflater hands nothing out before it sees one. */
const SYNC_MARKER = Buffer.from([0, 0, 0, 0xff, 0xff]);

/** Wraps blocks of one direction as stored deflate blocks: no compression state, and nothing to wait for. */
export class HeaderDeflater {
  private started = false;

  encode(headers: SpdyHeaders): Uint8Array {
    const block = encodeHeaders(headers);
    const parts: Uint8Array[] = this.started ? [] : [ZLIB_HEADER];
    this.started = true;
    for (let at = 0; at < block.length; at += STORED_BYTES_MAX) {
      const piece = block.subarray(at, at + STORED_BYTES_MAX);
      const head = Buffer.allocUnsafe(5);
      head.writeUInt8(0, 0);
      head.writeUInt16LE(piece.length, 1);
      head.writeUInt16LE(~piece.length & 0xffff, 3);
      parts.push(head, piece);
    }
    parts.push(SYNC_MARKER);
    return Buffer.concat(parts);
  }
}
