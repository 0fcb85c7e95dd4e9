import { Fault } from '#model/faults';
import type { Clock, Timer } from '#runtime/clock';
import { FIELD, type Field, type HttpVersion, type RequestHead, type ResponseHead } from '#wire/fields';
import { HTTP2_ERROR, type Http2Stream } from '#wire/http2';
import { LIMITS } from '../limits.ts';
import type { ResponseSink, SendAgain, Sender, UpstreamSink } from './contract.ts';
import { faultOfReset, faultOfUpgradedReset } from './h2-resets.ts';
import { fieldValue } from './names.ts';
import { downgradeResponse, upgradeRequest } from './orig-proto.ts';

/** The connection that a sender belongs to, as its senders see it. */
export interface Http2SenderHost {
  readonly clock: Clock;
  /** Opens a stream; undefined when there is no room after all. */
  send(head: RequestHead, end: boolean, owner: Http2Sender): Http2Stream<Http2Sender> | undefined;
  /** Body bytes were handed to the connection. */
  wrote(): void;
  /** Nobody waits for the stream any more; `begun`: its response has; `whole`: all of its request was sent. */
  abandon(stream: Http2Stream<Http2Sender>, begun: boolean, whole: boolean): void;
  /** The sender's request is over; the object can serve another. */
  free(sender: Http2Sender): void;
}

const NO_BYTES = Buffer.alloc(0);

/** One request on an HTTP/2 connection to a server. Requests of HTTP/1 are upgraded, their responses taken back. */
export class Http2Sender implements Sender {
  readonly version = 20;
  reused = false;
  readonly #host: Http2SenderHost;
  #sink: ResponseSink | undefined;
  #stream: Http2Stream<Http2Sender> | undefined;
  #asked: HttpVersion = 20;
  #requestEnded = false;
  #responded = false;
  #paused = false;
  /** Received and not yet consumed, while paused. */
  #owedBytes = 0;
  /** Until the client is told to send its body, though the server has not said so. */
  #patience: Timer | undefined;

  constructor(host: Http2SenderHost) {
    this.#host = host;
  }

  /** False: nobody waits for it any more. */
  attach(exchange: ResponseSink & UpstreamSink, reused: boolean): boolean {
    this.reused = reused;
    this.#sink = exchange;
    this.#stream = undefined;
    this.#requestEnded = false;
    this.#responded = false;
    this.#paused = false;
    this.#owedBytes = 0;
    if (exchange.attach(this)) return true;
    this.#over();
    return false;
  }

  // --- Sender

  head(head: RequestHead, end: boolean): void {
    this.#asked = head.version;
    this.#requestEnded = end;
    this.#stream = this.#host.send(head.version === 20 ? head : upgradeRequest(head), end, this);
    if (head.version === 11 && !end && fieldValue(head.fields, FIELD.expect) !== undefined)
      this.#patience = this.#host.clock.after(LIMITS.continueMs, () => this.#goOn());
    if (this.#stream) return;
    const sink = this.#sink;
    // Unless the sender serves another request by then.
    queueMicrotask(() => {
      if (this.#sink === sink && !this.#stream) this.lost(HTTP2_ERROR.REFUSED_STREAM, true, undefined);
    });
  }

  data(buf: Uint8Array, start: number, end: number): boolean {
    const stream = this.#stream;
    if (!stream) return true;
    if (this.#patience) this.#heard();
    stream.data(buf, start, end, false);
    this.#host.wrote();
    // What did not fit in may have gone out right now: then nobody tells later that it has.
    return !stream.isFull;
  }

  end(trailers: readonly Field[] | undefined): void {
    this.#requestEnded = true;
    if (trailers && trailers.length > 0) this.#stream?.trailers(trailers);
    else this.#stream?.data(NO_BYTES, 0, 0, true);
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#settleDebt();
  }

  release(): void {
    if (this.#requestEnded) this.#over();
    else this.cancel();
  }

  cancel(): void {
    const stream = this.#stream;
    // What was received is given back first: the stream may go on for a while.
    this.#settleDebt();
    if (stream) {
      stream.owner = undefined;
      this.#host.abandon(stream, this.#responded, this.#requestEnded);
    }
    this.#over();
  }

  // --- from the connection

  responded(head: ResponseHead, end: boolean): void {
    this.#heard();
    const told = this.#asked === 20 ? head : downgradeResponse(head, this.#asked);
    if (head.status < 200) {
      this.#sink?.informational(told);
      return;
    }
    this.#responded = true;
    this.#sink?.response(told, end);
  }

  received(stream: Http2Stream<Http2Sender>, buf: Buffer, start: number, end: number, endStream: boolean): void {
    if (end > start) {
      this.#sink?.responseData(buf, start, end);
      if (this.#paused && this.#stream === stream) this.#owedBytes += end - start;
      else stream.consume(end - start);
    }
    if (endStream && this.#stream === stream) this.#sink?.responseEnd(undefined);
  }

  ended(trailers: Field[]): void {
    this.#sink?.responseEnd(trailers);
  }

  /** `broken`: what happened to the whole connection; undefined: only this stream was reset. */
  lost(code: number, unprocessed: boolean, broken: Fault | undefined): void {
    const sink = this.#sink;
    if (!sink) return;
    const fault = broken ?? (this.#asked === 20 ? faultOfReset(code) : faultOfUpgradedReset(code));
    const again = this.#again(unprocessed, broken !== undefined);
    this.#over();
    sink.lost(fault, again);
  }

  /** Too much waits in this process, and much of it for this request. */
  shed(): void {
    const sink = this.#sink;
    if (!sink) return;
    this.cancel();
    sink.lost(new Fault('load-shed', 'the server does not take the request, and too many bytes wait'), 'never');
  }

  writable(): void {
    this.#sink?.upstreamDrained();
  }

  #again(unprocessed: boolean, broken: boolean): SendAgain {
    if (unprocessed) return 'always';
    return broken && this.reused && !this.#responded ? 'if-idempotent' : 'never';
  }

  /** Linkerd's proxy passes no heads below 200 on: behind it, the client would wait for ever (RFC 9110 section 10.1.1). */
  #goOn(): void {
    this.#patience = undefined;
    this.#sink?.informational({ version: 11, status: 100, upgrade: '', fields: [], contentLength: -1 });
  }

  #heard(): void {
    this.#patience?.cancel();
    this.#patience = undefined;
  }

  #settleDebt(): void {
    if (this.#owedBytes === 0) return;
    this.#stream?.consume(this.#owedBytes);
    this.#owedBytes = 0;
  }

  #over(): void {
    if (!this.#sink) return;
    this.#settleDebt();
    this.#heard();
    if (this.#stream) this.#stream.owner = undefined;
    this.#stream = undefined;
    this.#sink = undefined;
    this.#host.free(this);
  }
}
