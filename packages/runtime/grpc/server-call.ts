/** One call as the server sees it: request, response messages, trailer, and what was counted of it. */
import { type DescMessage, type DescMethod, fromBinary, type MessageShape } from '@bufbuild/protobuf';
import type { Field } from '#wire/fields';
import { CODES, decodeTimeout, encodeMessageText, type GrpcCode, GrpcDecoder, type GrpcMessageSink } from '#wire/grpc';
import { HTTP2_ERROR, type Http2Stream } from '#wire/http2';
import type { Connection, StreamOwner } from './connection.ts';
import { GrpcError } from './error.ts';
import { CONTENT_TYPE, FIELDS, fieldValue, STATUS_OK } from './fields.ts';
import { LIMITS } from './limits.ts';

/** Names of a call for metrics, e.g. {service: 'io.linkerd.proxy.identity.Identity', method: 'Certify', type: 'unary'}. */
export interface CallName {
  service: string;
  method: string;
  type: 'unary' | 'client_stream' | 'server_stream' | 'bidi_stream';
}

/** Counts calls. Only calls of known methods are reported. */
export interface CallObserver {
  started(call: CallName): void;
  received(call: CallName): void;
  sent(call: CallName): void;
  handled(call: CallName, code: GrpcCode, seconds: number): void;
}

/** What a handler may know of its call. */
export interface CallContext {
  /** The value of a metadata entry, its name in lower case; undefined when the caller sent none. */
  metadata(name: string): string | undefined;
  /** Called once when the call is over, whoever ended it. */
  onClose(listener: () => void): void;
}

/** Takes the messages of a request, and its end. */
export interface RequestSink<T> {
  message(message: T): void;
  ended(): void;
}

/** A method that is served. */
export interface Route {
  readonly method: DescMethod;
  readonly name: CallName;
  /** Whether the call ends with its answer, rather than when one side wants it to. */
  readonly isUnary: boolean;
  /** A call begins: who takes its messages. What is thrown ends the call. */
  begin(call: ServerCall): RequestSink<MessageShape<DescMessage>>;
}

/** What calls tell their server. */
export interface ServerEvents {
  readonly observer: CallObserver | undefined;
  /** A handler threw something that is no GrpcError. */
  bug(method: string, error: unknown): void;
  /** The call is over. */
  over(call: ServerCall): void;
}

export class ServerCall implements StreamOwner, GrpcMessageSink, CallContext {
  readonly route: Route | undefined;
  readonly #connection: Connection<ServerCall>;
  readonly #stream: Http2Stream<ServerCall>;
  readonly #fields: readonly Field[];
  readonly #events: ServerEvents;
  readonly #startedAt = performance.now();
  #state: 'waiting' | 'responding' | 'ended' = 'waiting';
  #sink: RequestSink<MessageShape<DescMessage>> | undefined;
  /** Only while the request is under way: calls that are watches have it behind them at once. */
  #decoder: GrpcDecoder | undefined;
  /** Request bytes that came while paused; the peer's window bounds them. */
  #paused: { readonly bytes: Buffer[]; ended: boolean } | undefined;
  #isHeldBack = false;
  #timer: NodeJS.Timeout | undefined;
  #writableListeners: (() => void)[] | undefined;
  #closeListeners: (() => void)[] | undefined;

  constructor(
    connection: Connection<ServerCall>,
    stream: Http2Stream<ServerCall>,
    fields: readonly Field[],
    route: Route | undefined,
    events: ServerEvents,
  ) {
    this.#connection = connection;
    this.#stream = stream;
    this.#fields = fields;
    this.route = route;
    this.#events = events;
    if (route) events.observer?.started(route.name);
  }

  get writable(): boolean {
    return this.#state !== 'ended' && !this.#isHeldBack;
  }

  metadata(name: string): string | undefined {
    return fieldValue(this.#fields, name);
  }

  /** Serves the call, or refuses it. `end`: there is no request message. */
  start(refusal: GrpcError | undefined, end: boolean): void {
    const { route } = this;
    if (refusal || !route) {
      this.end(refusal);
      return;
    }
    const timeoutMs = decodeTimeout(this.metadata('grpc-timeout'));
    if (timeoutMs !== undefined && timeoutMs < LIMITS.timerMsMax)
      this.#timer = setTimeout(
        () => this.end(new GrpcError('DEADLINE_EXCEEDED', `no end after ${timeoutMs} ms`)),
        timeoutMs,
      );
    this.#guard(() => {
      this.#sink = route.begin(this);
    });
    if (end) this.#requestEnded();
  }

  data(buf: Buffer, start: number, end: number, endStream: boolean): void {
    if (this.#paused) {
      this.#paused.bytes.push(Buffer.from(buf.subarray(start, end)));
      this.#paused.ended = endStream;
      return;
    }
    this.#take(buf, start, end);
    if (endStream) this.#requestEnded();
  }

  /** A request's trailers say nothing in gRPC. */
  trailers(): void {
    if (this.#paused) this.#paused.ended = true;
    else this.#requestEnded();
  }

  message(buf: Uint8Array, start: number, end: number): void {
    if (this.#state === 'ended' || !this.route) return;
    const { method, name } = this.route;
    let message: MessageShape<DescMessage>;
    try {
      message = fromBinary(method.input, buf.subarray(start, end));
    } catch (error) {
      this.end(new GrpcError('INVALID_ARGUMENT', `malformed ${method.input.typeName}`, error));
      return;
    }
    this.#events.observer?.received(name);
    this.#guard(() => this.#sink?.message(message));
  }

  fault(code: GrpcCode, text: string): void {
    this.end(new GrpcError(code, text));
  }

  broken(): void {
    this.#over('CANCELLED');
  }

  drained(): void {
    this.#isHeldBack = false;
    if (this.#state === 'ended' || !this.#writableListeners) return;
    for (const listener of this.#writableListeners) listener();
  }

  /** Sends a framed message. False: hold back until `onWritable`. */
  write(framed: Buffer): boolean {
    if (this.#state === 'ended') return false;
    if (this.#state === 'waiting') {
      this.#state = 'responding';
      this.#stream.respond(200, HEAD, false);
    }
    if (this.route) this.#events.observer?.sent(this.route.name);
    this.#isHeldBack = !this.#stream.data(framed, 0, framed.length, false);
    if (this.#isHeldBack && this.#stream.queuedBytes > LIMITS.heldBytesMax) {
      this.#stream.reset(HTTP2_ERROR.ENHANCE_YOUR_CALM);
      this.#over('RESOURCE_EXHAUSTED');
    } else this.#connection.relieve();
    return this.writable;
  }

  onWritable(listener: () => void): void {
    this.#writableListeners ??= [];
    this.#writableListeners.push(listener);
  }

  onClose(listener: () => void): void {
    if (this.#state === 'ended') {
      listener();
      return;
    }
    this.#closeListeners ??= [];
    this.#closeListeners.push(listener);
  }

  /** Takes no further message until `resume`; the peer may send as much as its window still allows. */
  pause(): void {
    this.#paused ??= { bytes: [], ended: false };
  }

  resume(): void {
    const paused = this.#paused;
    this.#paused = undefined;
    if (!paused) return;
    for (let i = 0; i < paused.bytes.length; i++) {
      const bytes = paused.bytes[i]!;
      this.#take(bytes, 0, bytes.length);
      if (!this.#paused) continue;
      // Paused again by what a message led to.
      this.#paused = { bytes: paused.bytes.slice(i + 1), ended: paused.ended };
      return;
    }
    if (paused.ended) this.#requestEnded();
  }

  /** Ends the call, by default with OK. */
  end(error?: GrpcError): void {
    if (this.#state === 'ended') return;
    const status = error ? statusFields(error) : OK;
    // Nothing was sent: status in the only header block.
    if (this.#state === 'waiting') this.#stream.respond(200, [CONTENT_TYPE, ...status], true);
    else this.#stream.trailers(status);
    this.#over(error?.code ?? 'OK');
  }

  /** Ends the call with what a handler threw. */
  failed(error: unknown): void {
    if (!(error instanceof GrpcError) && this.route)
      this.#events.bug(`${this.route.name.service}/${this.route.name.method}`, error);
    this.end(GrpcError.from(error));
  }

  #take(buf: Buffer, start: number, end: number): void {
    if (this.#state !== 'ended') {
      this.#decoder ??= new GrpcDecoder(LIMITS.messageBytesMax, this);
      this.#decoder.push(buf, start, end);
    }
    this.#stream.consume(end - start);
  }

  #requestEnded(): void {
    const cut = this.#decoder?.hasRemainder === true;
    this.#decoder = undefined;
    if (this.#state === 'ended') return;
    if (cut) this.end(new GrpcError('INVALID_ARGUMENT', 'the request ended inside a message'));
    else this.#guard(() => this.#sink?.ended());
  }

  #guard(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.failed(error);
    }
  }

  #over(code: GrpcCode): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    clearTimeout(this.#timer);
    this.#sink = undefined;
    this.#writableListeners = undefined;
    if (this.route) this.#events.observer?.handled(this.route.name, code, (performance.now() - this.#startedAt) / 1000);
    this.#events.over(this);
    const listeners = this.#closeListeners;
    this.#closeListeners = undefined;
    // Not at once: who ends a call in the midst of something does not expect its clean-up there.
    if (listeners) queueMicrotask(() => tell(listeners));
  }
}

const HEAD = [CONTENT_TYPE];
const OK = [STATUS_OK];

function tell(listeners: readonly (() => void)[]): void {
  for (const listener of listeners) listener();
}

function statusFields({ code, message }: GrpcError): Field[] {
  const fields = [FIELDS.fieldOf('grpc-status', String(CODES[code]))];
  if (message !== '') fields.push(FIELDS.fieldOf('grpc-message', encodeMessageText(message)));
  return fields;
}
