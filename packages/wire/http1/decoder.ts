import { CR, HEX, HTAB, LF, type NameTable, SEMICOLON, SP, VALUE } from '../fields/index.ts';
import type { Http1FaultCode } from './faults.ts';
import { Http1Head } from './head.ts';
import { LIMITS } from './limits.ts';
import { parseRequestHead, parseResponseHead, parseTrailers } from './parse-head.ts';

/** What a decoder reports. All arguments are valid only during the call. */
export interface Http1Sink {
  /** A head; an informational one (1xx but 101) is the whole message and no `end` follows. */
  head(head: Http1Head): void;
  /** Bytes of the body, without chunk framing; among the bytes given to `push`. */
  data(buf: Uint8Array, start: number, end: number): void;
  /** A non-empty trailer section, before `end`. */
  trailers(head: Http1Head): void;
  /** The message is complete. The decoder takes no more in this call of `push`. */
  end(): void;
  /** The message is refused; the decoder stays in that state. */
  fault(code: Http1FaultCode): void;
}

type State =
  | 'head'
  | 'length'
  | 'until-close'
  | 'chunk-size'
  | 'chunk-space'
  | 'chunk-extension'
  | 'chunk-size-lf'
  | 'chunk-data'
  | 'chunk-data-cr'
  | 'chunk-data-lf'
  | 'trailers'
  | 'final-lf'
  | 'tunnel'
  | 'refused';

const NO_BYTES = Buffer.alloc(0);

/**
 * Finds messages in the bytes of one direction of an HTTP/1 connection. Sans-I/O: `push` bytes in, the sink is called with
 * offsets into them; bodies are not copied.
 */
export class Http1Decoder {
  readonly #kind: 'request' | 'response';
  readonly #names: NameTable;
  readonly #sink: Http1Sink;
  readonly #head = new Http1Head();
  #state: State = 'head';
  /** Bytes left of a body by length or of the current chunk. */
  #left = 0;
  #chunkDigits = 0;
  #chunkExtensionBytes = 0;
  /** CR and LF bytes skipped before a request line. */
  #skipped = 0;
  /** The part of a head or trailer section that came in earlier calls. */
  #carry: Buffer = NO_BYTES;
  #carryLength = 0;
  #lineStart = 0;
  #noBody = false;
  #tunnel = false;

  constructor(kind: 'request' | 'response', names: NameTable, sink: Http1Sink) {
    this.#kind = kind;
    this.#names = names;
    this.#sink = sink;
  }

  /** Tells a response decoder what the request was; call before each response. */
  expect(request: { noBody: boolean; tunnel: boolean }): void {
    this.#noBody = request.noBody;
    this.#tunnel = request.tunnel;
  }

  /** Between messages, with no byte of the next one seen. */
  get idle(): boolean {
    return this.#state === 'head' && this.#carryLength === 0 && this.#skipped === 0;
  }

  /** Octets kept of a head or trailer section that has not come whole. */
  get heldBytes(): number {
    return this.#carry.length;
  }

  /**
   * Takes `buf[start, end)`. Returns how far it got: less than `end` after the end of a message (the rest belongs to the
   * next one: call again when ready), after a head that switches protocols (the rest is not HTTP), or after a fault.
   */
  push(buf: Uint8Array, start: number, end: number): number {
    switch (this.#state) {
      case 'head':
        return this.#pushHead(buf, start, end);
      case 'length':
        return this.#pushLength(buf, start, end);
      case 'until-close':
        if (end > start) this.#sink.data(buf, start, end);
        return end;
      case 'trailers':
        return this.#pushTrailers(buf, start, end);
      case 'tunnel':
      case 'refused':
        return start;
      default:
        return this.#pushChunked(buf, start, end);
    }
  }

  /** The peer will send no more. */
  finish(): void {
    if (this.#state === 'until-close') this.#complete();
    else if (this.#state !== 'refused' && this.#state !== 'tunnel' && !this.idle) this.#refuse('truncated');
  }

  #pushHead(buf: Uint8Array, from: number, end: number): number {
    let start = from;
    if (this.#carryLength > 0) return this.#pushCarriedHead(buf, from, end);
    // RFC 9112 section 2.2: an empty line before a request line is skipped.
    if (this.#kind === 'request') {
      while (start < end && buf[start] === (this.#skipped % 2 === 0 ? CR : LF)) {
        if (++this.#skipped > LIMITS.emptyLinesMax * 2) return this.#refuse('bad-start-line', start);
        start++;
      }
      if (start < end && this.#skipped % 2 === 1) return this.#refuse('bad-start-line', start);
    }
    if (start === end) return end;
    this.#lineStart = start;
    const known = this.#knownEnd(buf, start, end);
    if (known > 0) return this.#takeHead(buf, start, known, true) ? this.#afterHead(buf, known, end) : known;
    const headEnd = this.#findHeadEnd(buf, start, Math.min(end, start + LIMITS.headBytesMax + 1));
    if (headEnd === REFUSED) return start;
    if (headEnd === MORE) {
      if (end - start > LIMITS.headBytesMax) return this.#refuse('head-too-long', start);
      this.#keep(buf, start, end);
      this.#lineStart -= start;
      return end;
    }
    if (headEnd - start > LIMITS.headBytesMax) return this.#refuse('head-too-long', start);
    return this.#takeHead(buf, start, headEnd, false) ? this.#afterHead(buf, headEnd, end) : headEnd;
  }

  #pushCarriedHead(buf: Uint8Array, start: number, end: number): number {
    const room = Math.min(end - start, LIMITS.headBytesMax + 1 - this.#carryLength);
    const before = this.#carryLength;
    this.#keep(buf, start, start + room);
    const headEnd = this.#findHeadEnd(this.#carry, before, this.#carryLength);
    if (headEnd === REFUSED) return start;
    if (headEnd > LIMITS.headBytesMax || (headEnd === MORE && this.#carryLength > LIMITS.headBytesMax))
      return this.#refuse('head-too-long', start);
    if (headEnd === MORE) return end;
    const next = start + headEnd - before;
    const carry = this.#carry;
    this.#carry = NO_BYTES;
    this.#carryLength = 0;
    return this.#takeHead(carry, 0, headEnd, false) ? this.#afterHead(buf, next, end) : next;
  }

  /** End of a head whose fields are, byte for byte, those of the last one; 0 when they are not. */
  #knownEnd(buf: Uint8Array, start: number, end: number): number {
    let line = start;
    while (line < end && buf[line] !== LF) line++;
    if (buf[line - 1] !== CR) return 0;
    const length = this.#head.known.wholeLength(buf, line + 1, end);
    return length > 0 && line + 1 + length - start <= LIMITS.headBytesMax ? line + 1 + length : 0;
  }

  /** Looks for the empty line from `start` on; lines before were seen. Refuses bare line feeds as soon as they come. */
  #findHeadEnd(buf: Uint8Array, start: number, end: number): number {
    for (let i = start; i < end; i++) {
      if (buf[i] !== LF) continue;
      if (i === this.#lineStart || buf[i - 1] !== CR) {
        this.#refuse('bare-line-feed');
        return REFUSED;
      }
      if (i - this.#lineStart === 1) return i + 1;
      this.#lineStart = i + 1;
    }
    return MORE;
  }

  #keep(buf: Uint8Array, start: number, end: number): void {
    const length = this.#carryLength + end - start;
    if (length > this.#carry.length) {
      const wider = Buffer.allocUnsafe(Math.max(1024, length * 2));
      this.#carry.copy(wider, 0, 0, this.#carryLength);
      this.#carry = wider;
    }
    this.#carry.set(buf.subarray(start, end), this.#carryLength);
    this.#carryLength = length;
  }

  /** False when nothing of this message follows: it was refused, it has no body, or the protocol changes. */
  #takeHead(buf: Uint8Array, start: number, end: number, known: boolean): boolean {
    const head = this.#head;
    const fault =
      this.#kind === 'request'
        ? parseRequestHead(head, this.#names, buf, start, end, known)
        : parseResponseHead(head, this.#names, buf, start, end, known, this.#noBody, this.#tunnel);
    this.#skipped = 0;
    if (fault !== undefined) {
      this.#refuse(fault);
      return false;
    }
    const framing = head.framing;
    this.#left = framing === 'length' ? head.contentLength : 0;
    if (framing === 'length') this.#state = 'length';
    else if (framing === 'until-close') this.#state = 'until-close';
    else if (framing === 'chunked') {
      this.#state = 'chunk-size';
      this.#chunkDigits = 0;
    }
    const switches = this.#kind === 'response' && head.upgrade;
    const informational = this.#kind === 'response' && head.status < 200 && !switches;
    if (switches) this.#state = 'tunnel';
    this.#sink.head(head);
    if (this.#state === 'refused' || switches || informational) return false;
    if (framing !== 'none') return true;
    this.#complete();
    return false;
  }

  #afterHead(buf: Uint8Array, start: number, end: number): number {
    return start < end ? this.push(buf, start, end) : end;
  }

  #pushLength(buf: Uint8Array, start: number, end: number): number {
    const stop = Math.min(end, start + this.#left);
    this.#left -= stop - start;
    if (stop > start) this.#sink.data(buf, start, stop);
    if (this.#left === 0 && this.#state === 'length') this.#complete();
    return stop;
  }

  /** Walks over chunk framing. */
  #pushChunked(buf: Uint8Array, start: number, end: number): number {
    let i = start;
    while (i < end) {
      const byte = buf[i]!;
      switch (this.#state) {
        case 'chunk-size': {
          const digit = HEX[byte]!;
          if (digit !== 255) {
            if (++this.#chunkDigits > LIMITS.chunkSizeDigitsMax) return this.#refuse('bad-chunk', i);
            this.#left = this.#left * 16 + digit;
          } else if (this.#chunkDigits === 0) return this.#refuse('bad-chunk', i);
          else if (byte === CR) this.#state = 'chunk-size-lf';
          else if (byte === SEMICOLON || byte === SP || byte === HTAB) {
            this.#state = byte === SEMICOLON ? 'chunk-extension' : 'chunk-space';
            this.#chunkExtensionBytes = 0;
          } else return this.#refuse('bad-chunk', i);
          i++;
          break;
        }
        case 'chunk-space':
          // RFC 9112 section 7.1.1: white space only before an extension; what else follows a size could be another size.
          if (byte === CR) this.#state = 'chunk-size-lf';
          else if (byte === SEMICOLON) this.#state = 'chunk-extension';
          else if ((byte !== SP && byte !== HTAB) || ++this.#chunkExtensionBytes > LIMITS.chunkExtensionBytesMax)
            return this.#refuse('bad-chunk', i);
          i++;
          break;
        case 'chunk-extension':
          if (byte === CR) this.#state = 'chunk-size-lf';
          else if (VALUE[byte] !== 1 || ++this.#chunkExtensionBytes > LIMITS.chunkExtensionBytesMax)
            return this.#refuse('bad-chunk', i);
          i++;
          break;
        case 'chunk-size-lf':
          if (byte !== LF) return this.#refuse('bad-chunk', i);
          this.#state = this.#left === 0 ? 'trailers' : 'chunk-data';
          i++;
          if (this.#left === 0) return this.#startTrailers(buf, i, end);
          break;
        case 'chunk-data': {
          const step = Math.min(this.#left, end - i);
          this.#left -= step;
          if (this.#left === 0) this.#state = 'chunk-data-cr';
          i += step;
          this.#sink.data(buf, i - step, i);
          break;
        }
        case 'chunk-data-cr':
          if (byte !== CR) return this.#refuse('bad-chunk', i);
          this.#state = 'chunk-data-lf';
          i++;
          break;
        case 'chunk-data-lf':
          if (byte !== LF) return this.#refuse('bad-chunk', i);
          this.#state = 'chunk-size';
          this.#chunkDigits = 0;
          i++;
          break;
        case 'final-lf':
          return this.#finalLf(buf, i, end);
        default:
          return i;
      }
    }
    return i;
  }

  /** Behind the last chunk: either the final CRLF at once (the usual case) or a trailer section. */
  #startTrailers(buf: Uint8Array, at: number, end: number): number {
    this.#lineStart = 0;
    return at < end ? this.#pushTrailers(buf, at, end) : at;
  }

  /** `at` is behind the final CR. */
  #finalLf(buf: Uint8Array, at: number, end: number): number {
    if (at === end) return at;
    if (buf[at] !== LF) return this.#refuse('bad-chunk', at);
    this.#complete();
    return at + 1;
  }

  #pushTrailers(buf: Uint8Array, start: number, end: number): number {
    if (this.#carryLength === 0 && buf[start] === CR) {
      this.#state = 'final-lf';
      return this.#finalLf(buf, start + 1, end);
    }
    const room = Math.min(end - start, LIMITS.headBytesMax + 1 - this.#carryLength);
    const before = this.#carryLength;
    this.#keep(buf, start, start + room);
    const sectionEnd = this.#findHeadEnd(this.#carry, before, this.#carryLength);
    if (sectionEnd === REFUSED) return start;
    if (sectionEnd > LIMITS.headBytesMax || (sectionEnd === MORE && this.#carryLength > LIMITS.headBytesMax))
      return this.#refuse('head-too-long', start);
    if (sectionEnd === MORE) return end;
    const carry = this.#carry;
    this.#carry = NO_BYTES;
    this.#carryLength = 0;
    const fault = parseTrailers(this.#head, this.#names, carry, 0, sectionEnd);
    if (fault !== undefined) return this.#refuse(fault, start);
    this.#sink.trailers(this.#head);
    this.#complete();
    return start + sectionEnd - before;
  }

  #complete(): void {
    this.#state = 'head';
    this.#sink.end();
  }

  #refuse(code: Http1FaultCode, at = 0): number {
    this.#state = 'refused';
    this.#sink.fault(code);
    return at;
  }
}

const MORE = -1;
const REFUSED = -2;
