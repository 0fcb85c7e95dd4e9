import { tap } from '#api/mesh';
import { type EncodedMessage, encodeMessage, GrpcError, type ResponseStream } from '#runtime/grpc';
import type { ResponseHead } from '#wire/fields';
import type { Outcome } from '../http/index.ts';
import { LIMITS } from '../limits.ts';
import { EventMaker, type TapEvent } from './events.ts';
import { compileMatch, type Matcher } from './match.ts';
import type { Subject } from './subject.ts';

/** One request that one Observe call follows. */
export interface Tapped {
  responded(head: ResponseHead, sinceRequestMs: number): void;
  ended(outcome: Outcome): void;
}

export interface SessionOptions {
  /** Counts Observe calls. */
  readonly base: number;
  readonly stream: ResponseStream<typeof tap.TapEventSchema>;
  dropped(): void;
}

/** One Observe call: takes the first `limit` requests that match, and ends when they have ended. */
export class Session {
  readonly #options: SessionOptions;
  readonly #matches: Matcher;
  readonly #headers: boolean;
  readonly #limit: number;
  /** Encoded at once: heads change on their way, and their size counts. */
  readonly #waiting: EncodedMessage<typeof tap.TapEventSchema>[] = [];
  #waitingBytes = 0;
  #taken = 0;
  #open = 0;
  #closed = false;

  /** Throws INVALID_ARGUMENT for a request that asks for nothing. */
  constructor({ limit, match, extract }: tap.ObserveRequest, options: SessionOptions) {
    if (limit === 0) throw new GrpcError('INVALID_ARGUMENT', 'a limit of at least 1 is required');
    this.#options = options;
    this.#limit = limit;
    this.#matches = compileMatch(match);
    this.#headers = extract?.extract.case === 'http' && extract.extract.value.extract.case === 'headers';
    options.stream.onWritable(() => this.#flush());
    options.stream.onClose(() => {
      this.#closed = true;
      this.#waiting.length = 0;
    });
  }

  /** Whether more requests are wanted. */
  get wants(): boolean {
    return !this.#closed && this.#taken < this.#limit;
  }

  take(subject: Subject): Tapped | undefined {
    if (!this.wants || !this.#matches(subject)) return undefined;
    const id = { base: this.#options.base, stream: BigInt(this.#taken++) };
    const events = new EventMaker(id, subject, this.#headers);
    this.#open++;
    this.#send(events.request());
    return {
      responded: (head, sinceRequestMs) => this.#send(events.response(head, sinceRequestMs)),
      ended: (outcome) => {
        this.#send(events.end(outcome));
        this.#open--;
        this.#finish();
      },
    };
  }

  #send(event: TapEvent): void {
    const { stream } = this.#options;
    if (this.#closed) return;
    const full = this.#waiting.length >= LIMITS.tapEventsMax || this.#waitingBytes >= LIMITS.tapEventsBytesMax;
    if (this.#waiting.length === 0 && stream.writable) stream.write(event);
    else if (full) this.#options.dropped();
    else {
      const bytes = encodeMessage(tap.TapEventSchema, event);
      this.#waiting.push(bytes);
      this.#waitingBytes += bytes.length;
    }
  }

  #flush(): void {
    const { stream } = this.#options;
    while (this.#waiting.length > 0 && stream.writable) {
      const bytes = this.#waiting.shift()!;
      this.#waitingBytes -= bytes.length;
      stream.writeEncoded(bytes);
    }
    this.#finish();
  }

  #finish(): void {
    if (this.#taken >= this.#limit && this.#open === 0 && this.#waiting.length === 0) this.#options.stream.end();
  }
}
