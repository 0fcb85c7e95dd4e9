import type { Flushable, Flusher } from '#runtime/flush';
import type { ByteSink } from '#wire/output';
import { LIMITS } from '../limits.ts';
import type { Conn, TcpScope } from '../tcp/index.ts';
import { KEPT_SHARE_MIN } from './kept-body.ts';

/** Up to this much is copied together, so that a head and the body behind it cost one write and one TLS record. */
const JOIN_BYTES_MAX = 32 * 1024;

/**
 * What an HTTP/1 connection is about to send: texts and runs of bytes by reference, which must not change. Written once an
 * event-loop turn, earlier when it gets much.
 */
export class Http1Output implements ByteSink, Flushable {
  readonly #socket: Conn;
  readonly #scope: TcpScope;
  readonly #flusher: Flusher;
  readonly #stuck: () => void;
  #parts: (string | Uint8Array)[] = [];
  #starts: number[] = [];
  #ends: number[] = [];
  #count = 0;
  #length = 0;
  #waiting = false;
  #blocked = false;

  /** `stuck`: the socket takes no more, until its `drain`; told as soon as it shows, so that nothing further is read meanwhile. */
  constructor(socket: Conn, scope: TcpScope, flusher: Flusher, stuck: () => void) {
    this.#socket = socket;
    this.#scope = scope;
    this.#flusher = flusher;
    this.#stuck = stuck;
  }

  add(buf: Uint8Array, start: number, end: number): void {
    if (end > start) this.#push(buf, start, end);
  }

  text(text: string): void {
    this.#push(text, 0, text.length);
  }

  /** Call behind body bytes. False: no more until the socket's `drain`, which `drained` must be told. */
  bounded(): boolean {
    if (this.#length >= LIMITS.gatheredBytesMax) this.#write();
    return !this.#blocked;
  }

  drained(): void {
    this.#blocked = false;
  }

  flush(): void {
    this.#waiting = false;
    this.#write();
    // A large write counts as blocked for a moment even where the socket took all of it.
    if (this.#blocked && this.#socket.writableLength > 0) this.#stuck();
  }

  #push(part: string | Uint8Array, start: number, end: number): void {
    const at = this.#count++;
    this.#parts[at] = part;
    this.#starts[at] = start;
    this.#ends[at] = end;
    this.#length += end - start;
    if (this.#waiting) return;
    this.#waiting = true;
    this.#flusher.soon(this);
  }

  #write(): void {
    const length = this.#length;
    if (length === 0) return;
    const count = this.#count;
    this.#count = 0;
    this.#length = 0;
    if (!this.#socket.writable) {
      this.#forget(count);
      return;
    }
    this.#scope.wrote(length);
    if (count === 1 || length > JOIN_BYTES_MAX) for (let i = 0; i < count; i++) this.#send(this.#single(i));
    else this.#send(this.#joined(count, length));
    this.#forget(count);
  }

  #send(bytes: Buffer): void {
    if (!this.#socket.write(bytes)) this.#blocked = true;
  }

  #single(index: number): Buffer {
    const part = this.#parts[index]!;
    if (typeof part === 'string') return Buffer.from(part, 'latin1');
    const start = this.#starts[index]!;
    const end = this.#ends[index]!;
    if (start === 0 && end === part.length) return part as Buffer;
    // Behind what waits it waits as well, and would keep all of the buffer that it came in.
    const waits = this.#socket.writableLength > 0 && (end - start) * KEPT_SHARE_MIN < part.length;
    return waits ? Buffer.from(part.subarray(start, end)) : (part.subarray(start, end) as Buffer);
  }

  #joined(count: number, length: number): Buffer {
    const joined = Buffer.allocUnsafe(length);
    let at = 0;
    for (let i = 0; i < count; i++) {
      const part = this.#parts[i]!;
      if (typeof part === 'string') at += joined.write(part, at, 'latin1');
      else at += (part as Buffer).copy(joined, at, this.#starts[i]!, this.#ends[i]!);
    }
    return joined;
  }

  /** Lets go of what was sent. */
  #forget(count: number): void {
    for (let i = 0; i < count; i++) this.#parts[i] = '';
    if (this.#parts.length > PARTS_KEPT) this.#parts = [];
  }
}

/** Places for parts that an idle connection keeps. */
const PARTS_KEPT = 16;
