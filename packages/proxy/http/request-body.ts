import type { Field, RequestHead } from '#wire/fields';
import { LIMITS } from '../limits.ts';
import type { Downstream, Sender } from './contract.ts';
import { KeptBody } from './kept-body.ts';
import type { Mirror } from './mirror.ts';

/** Reasons of an exchange to stop its request's body: nobody takes it yet; the server is full. Others are the downstream's. */
const PAUSE_HELD = 1;
const PAUSE_UPSTREAM = 2;

/**
 * The body of one request on its way: what nobody takes yet waits here, bounded; the rest goes on to a sender and is kept, by
 * reference, for another one. Who sends it is told to pause when neither has room. In a tunnel its bytes pass unread.
 */
export class RequestBody {
  /** Who takes it; undefined: nobody yet, or nobody any more. */
  sender: Sender | undefined;
  /** All of it has come. */
  ended = false;
  readonly #down: Pick<Downstream, 'pause' | 'resume'>;
  readonly #kept = new KeptBody();
  #keptMax: number = LIMITS.replayBytesMax;
  #mirrors: Mirror[] | undefined;
  /** A request that may become a tunnel must not be mistaken for another request: its bytes wait for the server's consent. */
  #needsConsent = false;
  #tunnel = false;

  constructor(down: Pick<Downstream, 'pause' | 'resume'>) {
    this.#down = down;
  }

  /** `end`: the request has none. */
  begin(request: RequestHead, end: boolean): void {
    this.ended = end;
    this.#tunnel = false;
    this.#needsConsent = request.method === 'CONNECT';
    this.#keptMax = LIMITS.replayBytesMax;
    this.#kept.reset();
  }

  /** At least so many octets are kept for another sender. */
  keepUpTo(bytes: number): void {
    this.#keptMax = Math.max(LIMITS.replayBytesMax, bytes);
  }

  /** Bytes pass unread. */
  get isTunnel(): boolean {
    return this.#tunnel;
  }

  /** What has come can be sent to another server. */
  get isRepeatable(): boolean {
    return this.#kept.whole;
  }

  /** All of it has come, and can be sent again as it is no larger than that. */
  isWholeWithin(bytesMax: number): boolean {
    return this.ended && this.#kept.whole && this.#kept.bytes <= bytesMax && !this.#needsConsent;
  }

  /** What is kept costs so many bytes, copies for mirrors among them. */
  get keptBytes(): number {
    let bytes = this.#kept.heldBytes;
    if (this.#mirrors) for (const mirror of this.#mirrors) bytes += mirror.keptBytes;
    return bytes;
  }

  /** Gives up what is kept only for another sender; how many bytes that was. */
  forgetSpare(): number {
    if (!this.sender || this.#needsConsent) return 0;
    const { heldBytes } = this.#kept;
    if (heldBytes > 0) this.#kept.forget();
    return heldBytes;
  }

  /** Nobody else will be sent this body: the response has begun. */
  forget(): void {
    this.#kept.forget();
  }

  /** Copies of what has come and of what comes go there; `head` makes one of the head for each. */
  mirror(mirrors: Mirror[], head: () => RequestHead): void {
    this.#mirrors = mirrors;
    for (const mirror of mirrors) mirror.begin(head(), this.#kept, this.ended);
  }

  get isMirrored(): boolean {
    return this.#mirrors !== undefined;
  }

  data(buf: Uint8Array, start: number, end: number): void {
    const length = end - start;
    if (this.#mirrors) for (const mirror of this.#mirrors) mirror.data(buf, start, end);
    const kept = this.#kept;
    const held = !this.sender || this.#needsConsent;
    if (kept.whole && !this.#tunnel) {
      if (!held && kept.bytes + length > this.#keptMax) kept.forget();
      else kept.add(buf, start, end);
    }
    if (held) {
      if (kept.bytes > this.#keptMax) this.#down.pause(PAUSE_HELD);
    } else if (!this.sender!.data(buf, start, end)) this.#down.pause(PAUSE_UPSTREAM);
  }

  /** Whether the end has gone on. */
  end(trailers: Field[] | undefined): boolean {
    this.ended = true;
    this.#kept.trailers = trailers;
    if (this.#mirrors) for (const mirror of this.#mirrors) mirror.end(trailers);
    if (!this.sender || this.#needsConsent) return false;
    this.sender.end(trailers);
    return true;
  }

  /** Sends the head, and what has come, to the sender. Whether it is still the one who takes the rest. */
  start(head: RequestHead): boolean {
    const sender = this.sender!;
    const kept = this.#kept;
    const rest = this.#needsConsent || kept.bytes > 0 || kept.trailers !== undefined;
    sender.head(head, this.ended && !rest);
    if (rest && !this.#needsConsent) this.#sendKept(sender);
    if (this.sender === sender) this.#down.resume(PAUSE_HELD);
    return this.sender === sender;
  }

  /** The sender gets no more of it; gives the one there was. */
  detach(): Sender | undefined {
    const { sender } = this;
    this.sender = undefined;
    return sender;
  }

  /** The server agreed to a tunnel. `reopens`: the head ended the request, but not what its connection says. */
  openTunnel(reopens: boolean): void {
    const waited = this.#needsConsent;
    this.#tunnel = true;
    this.#needsConsent = false;
    if (reopens) this.ended = false;
    if (waited && this.sender) this.#sendKept(this.sender);
    this.#kept.forget();
    this.#down.resume(PAUSE_HELD);
  }

  /** The sender has no room. */
  stuck(): void {
    this.#down.pause(PAUSE_UPSTREAM);
  }

  /** It has room again, or another one takes its place. */
  drained(): void {
    this.#down.resume(PAUSE_UPSTREAM);
  }

  /** The request is over. */
  finish(): void {
    this.#kept.reset();
    if (!this.#mirrors) return;
    if (!this.ended) for (const mirror of this.#mirrors) mirror.cut();
    this.#mirrors = undefined;
  }

  #sendKept(sender: Sender): void {
    const kept = this.#kept;
    if (kept.bytes > 0 && !kept.sendTo(sender)) this.#down.pause(PAUSE_UPSTREAM);
    if (this.ended && this.sender === sender) sender.end(kept.trailers);
    if (kept.bytes > this.#keptMax) kept.forget();
  }
}
