import type { FaultCode } from '#model/faults';
import type { Field, RequestHead, ResponseHead } from '#wire/fields';
import { HTTP2_ERROR, type Http2Stream } from '#wire/http2';
import type { ClientInfo, Downstream } from './contract.ts';
import type { Exchange, Router } from './exchange.ts';
import { downgradeRequest, tellVersion } from './orig-proto.ts';

/** The connection that a stream belongs to, as its streams see it. */
export interface Http2StreamHost {
  readonly client: ClientInfo;
  readonly router: Router;
  /** Requests that a proxy upgraded are taken back to HTTP/1. */
  readonly downgrades: boolean;
  /** Body bytes were handed to the connection. */
  wrote(): void;
  /** No further request on this connection. */
  closeConnection(): void;
  /** The stream's exchange is over; the object can serve another. */
  free(stream: Http2ServerStream): void;
}

/** One request of an HTTP/2 client. The object and its exchange serve many streams of a connection, one after the other. */
export class Http2ServerStream implements Downstream {
  readonly version = 20;
  readonly #host: Http2StreamHost;
  readonly #exchange: Exchange;
  #stream: Http2Stream<Http2ServerStream> | undefined;
  #downgraded = false;
  #requestEnded = false;
  #pauses = 0;
  /** Received and not yet consumed, while paused. */
  #owedBytes = 0;

  constructor(host: Http2StreamHost, exchange: (stream: Http2ServerStream) => Exchange) {
    this.#host = host;
    this.#exchange = exchange(this);
  }

  get client(): ClientInfo {
    return this.#host.client;
  }

  /** Octets of the request kept for another try. */
  get keptBytes(): number {
    return this.#exchange.keptBytes;
  }

  forgetKept(): number {
    return this.#exchange.forgetKept();
  }

  // --- from the connection

  begin(stream: Http2Stream<Http2ServerStream>, head: RequestHead, end: boolean): void {
    stream.owner = this;
    this.#stream = stream;
    this.#requestEnded = end;
    this.#pauses = 0;
    this.#owedBytes = 0;
    const original = this.#host.downgrades ? downgradeRequest(head) : undefined;
    this.#downgraded = original !== undefined;
    this.#exchange.begin(original ?? head, end, this.#host.router);
  }

  received(stream: Http2Stream<Http2ServerStream>, buf: Buffer, start: number, end: number, endStream: boolean): void {
    if (endStream) this.#requestEnded = true;
    if (end > start) {
      this.#exchange.data(buf, start, end);
      if (this.#pauses === 0 || this.#stream !== stream) stream.consume(end - start);
      else this.#owedBytes += end - start;
    }
    if (endStream && this.#stream === stream) this.#exchange.end(undefined);
  }

  ended(trailers: Field[]): void {
    this.#requestEnded = true;
    this.#exchange.end(trailers);
  }

  aborted(code: FaultCode): void {
    this.#stream = undefined;
    this.#exchange.abort(code);
  }

  writable(): void {
    this.#exchange.downstreamDrained();
  }

  // --- Downstream

  informational(head: ResponseHead): void {
    this.#stream?.respond(head.status, head.fields, false);
  }

  respond(head: ResponseHead, end: boolean): void {
    if (this.#downgraded) tellVersion(head);
    this.#stream?.respond(head.status, head.fields, end);
  }

  data(buf: Uint8Array, start: number, end: number): boolean {
    const stream = this.#stream;
    if (!stream) return true;
    stream.data(buf, start, end, false);
    this.#host.wrote();
    // What did not fit in may have gone out right now: then nobody tells later that it has.
    return !stream.isFull;
  }

  end(trailers: readonly Field[] | undefined): void {
    if (trailers && trailers.length > 0) this.#stream?.trailers(trailers);
    else this.#stream?.data(NO_BYTES, 0, 0, true);
  }

  reset(http2Code: number): void {
    const stream = this.#stream;
    this.#stream = undefined;
    stream?.reset(http2Code);
  }

  pause(reason: number): void {
    this.#pauses |= reason;
  }

  resume(reason: number): void {
    this.#pauses &= ~reason;
    if (this.#pauses === 0) this.#settleDebt();
  }

  /** A proxy that upgraded HTTP/1 has other clients' requests on this connection: it learns by header what to close. */
  closeConnection(): void {
    if (!this.#downgraded) this.#host.closeConnection();
  }

  done(): void {
    // Whatever was to be done with the rest of the request: the connection's window must not shrink by it.
    this.#settleDebt();
    const stream = this.#stream;
    this.#stream = undefined;
    if (stream) {
      stream.owner = undefined;
      // RFC 9113 section 8.1: the response is complete, the rest of the request is not wanted.
      if (!this.#requestEnded) stream.reset(HTTP2_ERROR.NO_ERROR);
    }
    this.#host.free(this);
  }

  #settleDebt(): void {
    if (this.#owedBytes === 0) return;
    this.#stream?.consume(this.#owedBytes);
    this.#owedBytes = 0;
  }
}

const NO_BYTES = Buffer.alloc(0);
