/** One call as the client sees it: waiting for a connection, open on a stream, done. */
import { type DescMessage, type DescMethod, fromBinary, type MessageShape } from '@bufbuild/protobuf';
import type { Field, RequestHead, ResponseHead } from '#wire/fields';
import {
  codeOf,
  codeOfHttpStatus,
  codeOfReset,
  decodeMessageText,
  encodeTimeout,
  type GrpcCode,
  GrpcDecoder,
  type GrpcMessageSink,
} from '#wire/grpc';
import { HTTP2_ERROR, type Http2Stream } from '#wire/http2';
import type { Connection, StreamOwner } from './connection.ts';
import { GrpcError, textOf } from './error.ts';
import { addMetadata, CONTENT_TYPE, FIELDS, fieldValue, type Metadata, TE_TRAILERS } from './fields.ts';
import { LIMITS } from './limits.ts';

export interface CallOptions {
  /** Of the whole call. Absent: none. */
  timeoutMs?: number;
  /** Names in lower case, values printable ASCII. */
  metadata?: Metadata;
}

/** Receives a stream. `ended` is called exactly once, last, unless the caller cancelled; without error: status OK. */
export interface StreamSink<T> {
  message(message: T): void;
  ended(error: GrpcError | undefined): void;
}

/** Where calls find connections. */
export interface Connections {
  /** Calls `call.open(connection)` until it succeeds, or `call.fail(error)`, now or later, unless `forget` comes first. */
  submit(call: WaitingCall): void;
  forget(call: WaitingCall): void;
}

/** A call that has no stream yet. */
export interface WaitingCall {
  /** False: the connection took no stream. */
  open(connection: ClientConnection): boolean;
  fail(error: GrpcError): void;
}

export type ClientConnection = Connection<StreamOwner>;

export class ClientCall<O extends DescMessage> implements StreamOwner, WaitingCall, GrpcMessageSink {
  readonly #connections: Connections;
  readonly #output: O;
  readonly #sink: StreamSink<MessageShape<O>>;
  readonly #head: RequestHead;
  readonly #decoder = new GrpcDecoder(LIMITS.messageBytesMax, this);
  #state: 'waiting' | 'open' | 'done' = 'waiting';
  #connection: ClientConnection | undefined;
  #stream: Http2Stream<StreamOwner> | undefined;
  /** Messages written before there was a stream. */
  #unsent: Buffer[] = [];
  #unsentBytes = 0;
  #isEnded = false;
  #isHeldBack = true;
  #timer: NodeJS.Timeout | undefined;
  #writableListeners: (() => void)[] = [];

  constructor(
    connections: Connections,
    method: DescMethod & { readonly output: O },
    authority: string,
    options: CallOptions,
    sink: StreamSink<MessageShape<O>>,
  ) {
    this.#connections = connections;
    this.#output = method.output;
    this.#sink = sink;
    this.#head = requestHead(method, authority, options);
    const { timeoutMs } = options;
    if (timeoutMs !== undefined && timeoutMs < LIMITS.timerMsMax)
      this.#timer = setTimeout(
        () => this.#abort(new GrpcError('DEADLINE_EXCEEDED', `no end after ${timeoutMs} ms`)),
        timeoutMs,
      );
  }

  get writable(): boolean {
    return this.#state === 'open' && !this.#isHeldBack;
  }

  /** Sends a framed message. False: hold back until `onWritable`. */
  write(framed: Buffer): boolean {
    if (this.#state === 'done' || this.#isEnded) return false;
    if (!this.#stream) {
      this.#unsentBytes += framed.length;
      if (this.#unsentBytes > LIMITS.heldBytesMax) this.#abort(tooFarBehind());
      else this.#unsent.push(framed);
      return false;
    }
    this.#isHeldBack = !this.#stream.data(framed, 0, framed.length, false);
    if (this.#isHeldBack && this.#stream.queuedBytes > LIMITS.heldBytesMax) this.#abort(tooFarBehind());
    else this.#connection?.relieve();
    return this.writable;
  }

  onWritable(listener: () => void): void {
    this.#writableListeners.push(listener);
  }

  /** No further message; with the last one where there is one. */
  end(last?: Buffer): void {
    if (this.#state === 'done' || this.#isEnded) return;
    this.#isEnded = true;
    if (!this.#stream) {
      if (last) this.#unsent.push(last);
      return;
    }
    const bytes = last ?? NO_BYTES;
    this.#stream.data(bytes, 0, bytes.length, true);
  }

  /** The sink hears nothing more. */
  cancel(): void {
    if (this.#state === 'done') return;
    this.#close();
    this.#stream?.reset(HTTP2_ERROR.CANCEL);
  }

  open(connection: ClientConnection): boolean {
    const stream = connection.http2.request(this.#head, false, this);
    if (!stream) return false;
    this.#state = 'open';
    this.#connection = connection;
    this.#stream = stream;
    this.#isHeldBack = false;
    const unsent = this.#unsent;
    this.#unsent = [];
    for (let i = 0; i < unsent.length; i++) {
      const framed = unsent[i]!;
      this.#isHeldBack = !stream.data(framed, 0, framed.length, this.#isEnded && i === unsent.length - 1);
    }
    if (this.#isEnded && unsent.length === 0) stream.data(NO_BYTES, 0, 0, true);
    connection.relieve();
    if (!this.#isHeldBack) this.#tellWritable();
    return true;
  }

  fail(error: GrpcError): void {
    this.#finish(error);
  }

  responded(head: ResponseHead, end: boolean): void {
    if (this.#state === 'done' || head.status < 200) return;
    if (head.status !== 200) {
      this.#abort(statusOf(head.fields) ?? new GrpcError(codeOfHttpStatus(head.status), `HTTP status ${head.status}`));
      return;
    }
    const type = fieldValue(head.fields, 'content-type') ?? '';
    if (!type.startsWith('application/grpc'))
      this.#abort(new GrpcError('UNKNOWN', `expected content-type application/grpc, got "${type}"`));
    else if (end) this.trailers(head.fields);
  }

  data(buf: Buffer, start: number, end: number, endStream: boolean): void {
    if (this.#state !== 'done') this.#decoder.push(buf, start, end);
    this.#stream?.consume(end - start);
    if (endStream) this.#finish(withoutStatus());
  }

  message(buf: Uint8Array, start: number, end: number): void {
    if (this.#state === 'done') return;
    try {
      this.#sink.message(fromBinary(this.#output, buf.subarray(start, end)));
    } catch (error) {
      // Malformed, or such that its taker cannot make sense of it.
      this.#abort(new GrpcError('INTERNAL', `bad ${this.#output.typeName}: ${textOf(error)}`, error));
    }
  }

  fault(code: GrpcCode, text: string): void {
    this.#abort(new GrpcError(code, text));
  }

  trailers(fields: readonly Field[]): void {
    if (this.#state === 'done') return;
    if (fieldValue(fields, 'grpc-status') === undefined) this.#finish(withoutStatus());
    else {
      const error = statusOf(fields);
      const cut = !error && this.#decoder.hasRemainder;
      this.#finish(cut ? new GrpcError('INTERNAL', 'the stream ended inside a message') : error);
    }
    // The server has said all; what we had still to say interests nobody.
    if (!this.#isEnded) this.#stream?.reset(HTTP2_ERROR.NO_ERROR);
  }

  broken(code: number, lost: string | undefined): void {
    this.#finish(
      lost === undefined
        ? new GrpcError(codeOfReset(code), `stream reset with HTTP/2 code ${code}`)
        : new GrpcError('UNAVAILABLE', `connection lost: ${lost}`),
    );
  }

  drained(): void {
    this.#isHeldBack = false;
    if (this.#state === 'open' && !this.#isEnded) this.#tellWritable();
  }

  #tellWritable(): void {
    for (const listener of this.#writableListeners) listener();
  }

  #abort(error: GrpcError): void {
    const stream = this.#state === 'open' ? this.#stream : undefined;
    this.#finish(error);
    stream?.reset(HTTP2_ERROR.CANCEL);
  }

  #finish(error: GrpcError | undefined): void {
    if (this.#state === 'done') return;
    this.#close();
    this.#sink.ended(error);
  }

  #close(): void {
    if (this.#state === 'waiting') this.#connections.forget(this);
    this.#state = 'done';
    this.#unsent = [];
    clearTimeout(this.#timer);
  }
}

const NO_BYTES = Buffer.alloc(0);

function requestHead(method: DescMethod, authority: string, { timeoutMs, metadata }: CallOptions): RequestHead {
  const fields = [CONTENT_TYPE, TE_TRAILERS];
  if (timeoutMs !== undefined) fields.push(FIELDS.fieldOf('grpc-timeout', encodeTimeout(timeoutMs)));
  if (metadata) addMetadata(fields, metadata);
  return {
    version: 20,
    method: 'POST',
    scheme: 'http',
    authority,
    path: `/${method.parent.typeName}/${method.name}`,
    absoluteForm: false,
    upgrade: '',
    fields,
    contentLength: -1,
  };
}

/** What headers or trailers declare; undefined: OK, or nothing. */
function statusOf(fields: readonly Field[]): GrpcError | undefined {
  const status = fieldValue(fields, 'grpc-status');
  if (status === undefined) return undefined;
  const code = codeOf(status);
  if (code === 'OK') return undefined;
  return new GrpcError(code, decodeMessageText(fieldValue(fields, 'grpc-message') ?? ''));
}

const withoutStatus = () => new GrpcError('UNAVAILABLE', 'the stream ended without a status');

const tooFarBehind = () =>
  new GrpcError('RESOURCE_EXHAUSTED', `the server is more than ${LIMITS.heldBytesMax} bytes behind`);
