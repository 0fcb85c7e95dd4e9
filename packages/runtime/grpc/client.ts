/** The calling side: unary and server-streaming calls over one HTTP/2 session, which is opened on demand and again after loss. */
import http2 from 'node:http2';
import type { Duplex } from 'node:stream';
import {
  create,
  type DescMessage,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { encodeFrame, FrameDecoder } from './framing.ts';
import { type KeepAlive, keepAlive } from './keep-alive.ts';
import { LIMITS } from './limits.ts';
import { plainDuplex } from './plain-duplex.ts';
import { codeOf, codeOfHttpStatus, codeOfReset, decodeMessageText, GrpcError } from './status.ts';
import { encodeTimeout } from './timeout.ts';

export interface GrpcClientOptions {
  /** Opens a connection to the server; called when there is none. TLS sockets need no ALPN. */
  connect(): Promise<Duplex>;
  /** The `:authority` of requests, e.g. `linkerd-dst-headless.linkerd.svc.cluster.local.:8086`. */
  authority: string;
  /** Absent: dead connections are found by the transport alone. */
  keepAlive?: KeepAlive;
}

export interface CallOptions {
  /** Of the whole call. Absent: none. */
  timeoutMs?: number;
  metadata?: Record<string, string>;
}

/** Receives a stream. `ended` is called exactly once, last, unless the caller cancelled; without error: status OK. */
export interface StreamSink<T> {
  message(message: T): void;
  ended(error: GrpcError | undefined): void;
}

export interface GrpcClient {
  /** Rejects with GrpcError. Aborting `signal` cancels the call. */
  unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    options?: CallOptions & { signal?: AbortSignal },
  ): Promise<MessageShape<O>>;
  /** Returns a cancel function, after which the sink is not called. */
  serverStream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    request: MessageInitShape<I>,
    sink: StreamSink<MessageShape<O>>,
    options?: CallOptions,
  ): () => void;
  /** Cuts the connection; calls under way end with UNAVAILABLE. The client may be used again. */
  close(): void;
}

/** A client for one server. It never retries calls: that is the caller's policy. */
export function createGrpcClient(options: GrpcClientOptions): GrpcClient {
  const sessions = new SessionHolder(options);
  const serverStream: GrpcClient['serverStream'] = (method, request, sink, callOptions = {}) => {
    const call = new ClientCall(method.output, sink);
    const body = encodeFrame(toBinary(method.input, create(method.input, request)));
    call.start(sessions, `/${method.parent.typeName}/${method.name}`, options.authority, body, callOptions);
    return () => call.cancel();
  };
  return {
    serverStream,
    unary: (method, request, callOptions = {}) =>
      new Promise((resolve, reject) => {
        let answer: MessageShape<typeof method.output> | undefined;
        const { signal } = callOptions;
        const onAbort = () => {
          cancel();
          reject(new GrpcError('CANCELLED', 'cancelled by the caller'));
        };
        const sink = {
          message: (message: MessageShape<typeof method.output>) => {
            answer = message;
          },
          ended: (error: GrpcError | undefined) => {
            signal?.removeEventListener('abort', onAbort);
            if (error) reject(error);
            else if (answer) resolve(answer);
            else reject(new GrpcError('INTERNAL', 'the server ended the call with OK but sent no message'));
          },
        };
        // A unary method is a stream of one message on the wire.
        const asStream = method as unknown as DescMethodServerStreaming<typeof method.input, typeof method.output>;
        const cancel = serverStream(asStream, request, sink, callOptions);
        if (signal?.aborted) onAbort();
        else signal?.addEventListener('abort', onAbort, { once: true });
      }),
    close: () => sessions.close(),
  };
}

/** The current session, or the one being opened; concurrent calls share it. */
class SessionHolder {
  readonly #options: GrpcClientOptions;
  #current: Promise<http2.ClientHttp2Session> | undefined;
  readonly #open = new Set<http2.ClientHttp2Session>();

  constructor(options: GrpcClientOptions) {
    this.#options = options;
  }

  get(): Promise<http2.ClientHttp2Session> {
    if (!this.#current) {
      const opening = this.#connect();
      this.#current = opening;
      opening.catch(() => this.#forget(opening));
    }
    return this.#current;
  }

  close(): void {
    this.#current = undefined;
    for (const session of this.#open) session.destroy();
  }

  #forget(session: Promise<http2.ClientHttp2Session>): void {
    if (this.#current === session) this.#current = undefined;
  }

  async #connect(): Promise<http2.ClientHttp2Session> {
    const socket = await withTimeout(this.#options.connect(), LIMITS.connectTimeoutMs);
    const session = http2.connect(`http://${this.#options.authority}`, {
      createConnection: () => plainDuplex(socket),
      maxSessionMemory: LIMITS.sessionMemoryMb,
      settings: { enablePush: false },
    });
    this.#open.add(session);
    const current = this.#current;
    const forget = () => {
      if (current) this.#forget(current);
    };
    session.on('goaway', forget);
    session.on('error', forget); // each open call reports the loss on its own stream
    session.on('close', () => {
      this.#open.delete(session);
      forget();
    });
    if (this.#options.keepAlive) keepAlive(session, this.#options.keepAlive, () => session.destroy());
    return session;
  }
}

class ClientCall<O extends DescMessage> {
  readonly #output: O;
  readonly #sink: StreamSink<MessageShape<O>>;
  readonly #frames = new FrameDecoder();
  #state: 'opening' | 'open' | 'done' = 'opening';
  #stream: http2.ClientHttp2Stream | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** The outcome that the server declared in headers or trailers. */
  #status: { error: GrpcError | undefined } | undefined;

  constructor(output: O, sink: StreamSink<MessageShape<O>>) {
    this.#output = output;
    this.#sink = sink;
  }

  start(sessions: SessionHolder, path: string, authority: string, body: Buffer, options: CallOptions): void {
    const { timeoutMs } = options;
    if (timeoutMs !== undefined && timeoutMs < LIMITS.timerMsMax)
      this.#timer = setTimeout(
        () => this.#abort(new GrpcError('DEADLINE_EXCEEDED', `no end after ${timeoutMs} ms`)),
        timeoutMs,
      );
    const headers: http2.OutgoingHttpHeaders = {
      ':method': 'POST',
      ':scheme': 'http',
      ':authority': authority,
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...(timeoutMs === undefined ? {} : { 'grpc-timeout': encodeTimeout(timeoutMs) }),
      ...options.metadata,
    };
    sessions.get().then(
      (session) => this.#open(session, headers, body),
      (error) => this.#finish(new GrpcError('UNAVAILABLE', `cannot connect: ${textOf(error)}`, error)),
    );
  }

  cancel(): void {
    if (this.#state === 'done') return;
    this.#state = 'done';
    clearTimeout(this.#timer);
    this.#stream?.close(http2.constants.NGHTTP2_CANCEL);
  }

  #open(session: http2.ClientHttp2Session, headers: http2.OutgoingHttpHeaders, body: Buffer): void {
    if (this.#state === 'done') return;
    let stream: http2.ClientHttp2Stream;
    try {
      stream = session.request(headers);
    } catch (error) {
      this.#finish(new GrpcError('UNAVAILABLE', `the connection was closing: ${textOf(error)}`, error));
      return;
    }
    this.#state = 'open';
    this.#stream = stream;
    let failure: Error | undefined;
    stream.on('response', (response) => this.#respond(response));
    stream.on('trailers', (trailers) => this.#declare(trailers));
    stream.on('data', (chunk: Buffer) => this.#receive(chunk));
    stream.on('error', (error) => {
      failure = error;
    });
    stream.on('close', () => this.#closed(session, stream, failure));
    stream.end(body);
  }

  #respond(headers: http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader): void {
    const status = headers[':status'] ?? 0;
    const type = String(headers['content-type'] ?? '');
    if (status !== 200) {
      this.#declare(headers);
      this.#status ??= { error: new GrpcError(codeOfHttpStatus(status), `HTTP status ${status}`) };
    } else if (!type.startsWith('application/grpc')) {
      this.#abort(new GrpcError('UNKNOWN', `expected content-type application/grpc, got "${type}"`));
    } else this.#declare(headers);
  }

  #declare(headers: http2.IncomingHttpHeaders): void {
    const status = headers['grpc-status'];
    if (typeof status !== 'string') return;
    const code = codeOf(status);
    const text = decodeMessageText(String(headers['grpc-message'] ?? ''));
    this.#status = { error: code === 'OK' ? undefined : new GrpcError(code, text) };
  }

  #receive(chunk: Buffer): void {
    if (this.#state === 'done') return;
    try {
      this.#frames.push(chunk, (bytes) => {
        if (this.#state !== 'done') this.#sink.message(fromBinary(this.#output, bytes));
      });
    } catch (error) {
      this.#abort(
        error instanceof GrpcError ? error : new GrpcError('INTERNAL', `bad message: ${textOf(error)}`, error),
      );
    }
  }

  #closed(session: http2.ClientHttp2Session, stream: http2.ClientHttp2Stream, failure: Error | undefined): void {
    if (this.#status && !this.#status.error && this.#frames.hasRemainder)
      this.#finish(new GrpcError('INTERNAL', 'the stream ended inside a message'));
    else if (this.#status) this.#finish(this.#status.error);
    else if (session.destroyed || session.closed)
      this.#finish(new GrpcError('UNAVAILABLE', `connection lost${failure ? `: ${failure.message}` : ''}`, failure));
    else if (stream.rstCode)
      this.#finish(
        new GrpcError(codeOfReset(stream.rstCode), `stream reset with HTTP/2 code ${stream.rstCode}`, failure),
      );
    else this.#finish(new GrpcError('UNAVAILABLE', 'the stream ended without a status', failure));
  }

  #abort(error: GrpcError): void {
    const stream = this.#stream;
    this.#finish(error);
    stream?.close(http2.constants.NGHTTP2_CANCEL);
  }

  #finish(error: GrpcError | undefined): void {
    if (this.#state === 'done') return;
    this.#state = 'done';
    clearTimeout(this.#timer);
    this.#sink.ended(error);
  }
}

const textOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

/** Rejects when `opening` takes too long; a connection that still arrives is closed. */
function withTimeout(opening: Promise<Duplex>, ms: number): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new Error(`no connection after ${ms} ms`));
      opening.then(
        (socket) => socket.destroy(),
        () => undefined, // already reported as a timeout
      );
    }, ms);
    opening.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
