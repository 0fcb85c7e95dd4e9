/** Answers shared by all who ask the same: worked out and encoded once, streamed to each as fast as it reads. */
import type { DescMessage, MessageInitShape } from '@bufbuild/protobuf';
import { type EncodedMessage, encodeMessage, GrpcError, type ResponseStream } from '#runtime/grpc';

/** A question that is asked again whenever something it depends on changes. */
export interface Question<O extends DescMessage> {
  /** The answer now; `undefined`: none to give, what was sent stays. A GrpcError thrown ends the streams. */
  snapshot(): MessageInitShape<O> | undefined;
  /** Calls back after changes, or once to end the streams with OK: who is concerned asks again. Returns stop functions. */
  follow(changed: () => void, end: () => void): (() => void)[];
  observer?: {
    /** A stream came (1) or went (-1). */
    subscribers(change: 1 | -1): void;
    /** The answer is another than before. */
    updated(): void;
    /** Nobody asks any more. */
    stop(): void;
  };
}

type Stream<O extends DescMessage> = Pick<
  ResponseStream<O>,
  'writeEncoded' | 'writable' | 'onWritable' | 'end' | 'onClose'
>;

/** Questions under way, by key. */
export class Answers<O extends DescMessage> {
  readonly #schema: O;
  readonly #coalesced: () => void;
  readonly #shared = new Map<string, SharedAnswer<O>>();

  /** `coalesced` is called for each change that a slow stream does not get by itself, because a later one replaced it. */
  constructor(schema: O, coalesced: () => void) {
    this.#schema = schema;
    this.#coalesced = coalesced;
  }

  /**
   * Answers on `stream` until it closes: the current answer first, then each that differs. `ask` makes the question if nobody asks
   * it yet. Throws what making it or its first snapshot throws.
   */
  serve(key: string, ask: () => Question<O>, stream: Stream<O>): void {
    let shared = this.#shared.get(key);
    if (!shared) {
      shared = new SharedAnswer(this.#schema, ask(), this.#coalesced, () => this.#shared.delete(key));
      this.#shared.set(key, shared);
    }
    shared.add(stream);
  }
}

class SharedAnswer<O extends DescMessage> {
  readonly #schema: O;
  readonly #question: Question<O>;
  readonly #coalesced: () => void;
  readonly #over: () => void;
  readonly #stops: (() => void)[];
  readonly #readers = new Set<Reader<O>>();
  #answer: EncodedMessage<O> | undefined;
  #isOver = false;

  /** Throws what the first snapshot throws. */
  constructor(schema: O, question: Question<O>, coalesced: () => void, over: () => void) {
    this.#schema = schema;
    this.#question = question;
    this.#coalesced = coalesced;
    this.#over = over;
    try {
      this.#ask();
    } catch (error) {
      question.observer?.stop();
      throw error;
    }
    this.#stops = question.follow(
      () => this.#changed(),
      () => this.#end(),
    );
  }

  add(stream: Stream<O>): void {
    const reader: Reader<O> = { stream, sent: undefined, waits: false };
    this.#readers.add(reader);
    this.#question.observer?.subscribers(1);
    stream.onWritable(() => {
      if (reader.waits) this.#send(reader);
    });
    stream.onClose(() => {
      this.#readers.delete(reader);
      this.#question.observer?.subscribers(-1);
      if (this.#readers.size === 0) this.#stop();
    });
    this.#send(reader);
  }

  /** Whether the answer differs from the one before. */
  #ask(): boolean {
    const answer = this.#question.snapshot();
    if (answer === undefined) return false;
    const encoded = encodeMessage(this.#schema, answer);
    if (this.#answer?.equals(encoded)) return false;
    this.#answer = encoded;
    this.#question.observer?.updated();
    return true;
  }

  #changed(): void {
    try {
      if (!this.#ask()) return;
    } catch (error) {
      // Who asks again gets the error, or an answer if there is one by then.
      this.#end(GrpcError.from(error));
      return;
    }
    for (const reader of this.#readers) this.#send(reader);
  }

  #send(reader: Reader<O>): void {
    const { stream } = reader;
    if (!stream.writable) {
      if (reader.waits) this.#coalesced();
      reader.waits = true;
      return;
    }
    reader.waits = false;
    if (this.#answer === undefined || this.#answer === reader.sent) return;
    reader.sent = this.#answer;
    stream.writeEncoded(this.#answer);
  }

  #end(error?: GrpcError): void {
    if (this.#isOver) return;
    this.#stop();
    for (const { stream } of [...this.#readers]) stream.end(error);
  }

  /** At most once: another may answer the question by then. */
  #stop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#over();
    this.#question.observer?.stop();
    for (const stop of this.#stops.splice(0)) stop();
  }
}

/** A stream and what it was sent last; it waits when there is something newer that it cannot take yet. */
interface Reader<O extends DescMessage> {
  readonly stream: Stream<O>;
  sent: EncodedMessage<O> | undefined;
  waits: boolean;
}
