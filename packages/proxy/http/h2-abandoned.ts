import type { Clock, Timer } from '#runtime/clock';
import { HTTP2_ERROR, type Http2Stream } from '#wire/http2';
import { LIMITS } from '../limits.ts';

type Stream = Http2Stream<unknown>;

export interface AbandonedOptions {
  readonly clock: Clock;
  /** Streams at most whose resets wait. */
  readonly max: number;
  /**
   * More resets wait than may, and so many have gone out beyond the rate. True: the connection takes no further request, and they may go
   * on waiting.
   */
  readonly tooMany: (beyond: number) => boolean;
}

/**
 * Requests of one connection that nobody waits for any more. Servers count resets and end connections for them (CVE-2023-44487), which
 * other clients' requests share: so resets go out at a rate that servers allow, and beyond it responses are read and thrown away. Those
 * that end before their turn comes need no reset; a request that is not whole does not end by itself, so its turn comes first.
 */
export class Abandoned {
  readonly #options: AbandonedOptions;
  /** Streams whose reset waits, oldest first, with the octets that have come since. */
  readonly #waiting = new Map<Stream, number>();
  /** Of those, the ones whose requests are not whole. */
  readonly #unfinished = new Set<Stream>();
  /** Resets that may go out now. */
  #allowed: number = LIMITS.http2ResetsBurst;
  #filledMs: number;
  /** Resets that have gone out although none was allowed. */
  #beyond = 0;
  #timer: Timer | undefined;

  constructor(options: AbandonedOptions) {
    this.#options = options;
    this.#filledMs = options.clock.nowMs();
  }

  /** Streams whose reset waits. */
  get size(): number {
    return this.#waiting.size;
  }

  /**
   * `begun`: its response has; that reset is not of the kind that servers end connections for. `whole`: all of its request has been
   * given to the stream.
   */
  add(stream: Stream, begun: boolean, whole: boolean): void {
    if (stream.isOver) return;
    // What waits to be sent would wait on.
    if (this.#mayReset() || begun || stream.queuedBytes > 0) {
      this.#allowed = Math.max(0, this.#allowed - 1);
      stream.reset(HTTP2_ERROR.CANCEL);
      return;
    }
    this.#waiting.set(stream, 0);
    if (!whole) this.#unfinished.add(stream);
    this.#timer ??= this.#options.clock.after(LIMITS.http2ResetEveryMs, () => this.#turn());
    if (this.#waiting.size > this.#options.max && !this.#options.tooMany(this.#beyond)) this.makeRoom();
  }

  /** Something of a response came that nobody waits for. */
  received(stream: Stream, bytes: number): void {
    const before = this.#waiting.get(stream);
    if (before === undefined) return;
    if (stream.isOver) this.#forget(stream);
    else if (before + bytes > LIMITS.discardBytesMax) {
      this.#forget(stream);
      stream.reset(HTTP2_ERROR.CANCEL);
    } else if (bytes > 0) this.#waiting.set(stream, before + bytes);
  }

  /** Makes room on a connection that has none. */
  makeRoom(): void {
    this.#beyond++;
    this.#resetNext();
  }

  /** Nobody else is left on the connection: whatever the server makes of resets. */
  resetAll(): void {
    while (this.#waiting.size > 0) this.#resetNext();
    this.#stop();
  }

  /** The connection is gone. */
  clear(): void {
    this.#waiting.clear();
    this.#unfinished.clear();
    this.#stop();
  }

  #forget(stream: Stream): void {
    this.#waiting.delete(stream);
    this.#unfinished.delete(stream);
  }

  #resetNext(): void {
    const next = this.#unfinished.size > 0 ? this.#unfinished : this.#waiting.keys();
    for (const stream of next) {
      this.#forget(stream);
      stream.reset(HTTP2_ERROR.CANCEL);
      return;
    }
  }

  #stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #turn(): void {
    this.#timer = undefined;
    while (this.#waiting.size > 0 && this.#mayReset()) {
      this.#allowed--;
      this.#resetNext();
    }
    if (this.#waiting.size > 0) this.#timer = this.#options.clock.after(LIMITS.http2ResetEveryMs, () => this.#turn());
  }

  #mayReset(): boolean {
    const { clock } = this.#options;
    const more = Math.floor((clock.nowMs() - this.#filledMs) / LIMITS.http2ResetEveryMs);
    this.#filledMs += more * LIMITS.http2ResetEveryMs;
    this.#allowed = Math.min(LIMITS.http2ResetsBurst, this.#allowed + more);
    return this.#allowed > 0;
  }
}
