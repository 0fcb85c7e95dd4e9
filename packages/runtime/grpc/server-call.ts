/** One call as the server sees it: header, messages, trailer, and what was counted of it. */
import type { ServerHttp2Stream } from 'node:http2';
import { type DescMessage, type DescMethod, type MessageShape, toBinary } from '@bufbuild/protobuf';
import { encodeFrame } from './framing.ts';
import { CODES, encodeMessageText, type GrpcCode, GrpcError } from './status.ts';

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

const TYPES: Record<DescMethod['methodKind'], CallName['type']> = {
  unary: 'unary',
  client_streaming: 'client_stream',
  server_streaming: 'server_stream',
  bidi_streaming: 'bidi_stream',
};

export class ServerCall {
  readonly method: string;
  readonly #stream: ServerHttp2Stream;
  readonly #name: CallName | undefined;
  readonly #observer: CallObserver | undefined;
  readonly #startedAt = performance.now();
  #state: 'waiting' | 'responding' | 'ended' = 'waiting';
  #code: GrpcCode = 'CANCELLED';
  #closeListeners: (() => void)[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(stream: ServerHttp2Stream, method: DescMethod | undefined, observer: CallObserver | undefined) {
    this.#stream = stream;
    this.method = method ? `${method.parent.typeName}/${method.name}` : '';
    this.#name = method && { service: method.parent.typeName, method: method.name, type: TYPES[method.methodKind] };
    this.#observer = observer;
    if (this.#name) observer?.started(this.#name);
    stream.on('error', () => undefined); // resets and lost connections are routine; 'close' follows and counts them
    stream.on('close', () => this.#closed());
  }

  get ended(): boolean {
    return this.#state === 'ended';
  }

  get writable(): boolean {
    return this.#state !== 'ended' && !this.#stream.writableNeedDrain;
  }

  received(): void {
    if (this.#name) this.#observer?.received(this.#name);
  }

  write<O extends DescMessage>(schema: O, message: MessageShape<O>): boolean {
    if (this.#state === 'ended') return false;
    this.#respond();
    if (this.#name) this.#observer?.sent(this.#name);
    return this.#stream.write(encodeFrame(toBinary(schema, message)));
  }

  onWritable(listener: () => void): void {
    this.#stream.on('drain', () => {
      if (this.#state !== 'ended') listener();
    });
  }

  onClose(listener: () => void): void {
    if (this.#stream.destroyed) listener();
    else this.#closeListeners.push(listener);
  }

  /** Ends the call with DEADLINE_EXCEEDED unless it ends before. */
  endAfter(ms: number): void {
    this.#timer = setTimeout(() => this.end(new GrpcError('DEADLINE_EXCEEDED', `no end after ${ms} ms`)), ms);
  }

  end(error?: GrpcError): void {
    if (this.#state === 'ended') return;
    const fresh = this.#state === 'waiting';
    this.#state = 'ended';
    this.#code = error?.code ?? 'OK';
    clearTimeout(this.#timer);
    if (this.#stream.destroyed || this.#stream.closed) return;
    const status = {
      'grpc-status': String(CODES[this.#code]),
      ...(error?.message ? { 'grpc-message': encodeMessageText(error.message) } : {}),
    };
    if (fresh) {
      // Nothing was sent: status in the only header block.
      this.#stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...status }, { endStream: true });
    } else {
      this.#stream.on('wantTrailers', () => this.#stream.sendTrailers(status));
      this.#stream.end();
    }
  }

  /** Sends the header block once, so that a stream shows as open before its first message. */
  #respond(): void {
    if (this.#state !== 'waiting') return;
    this.#state = 'responding';
    this.#stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  }

  #closed(): void {
    clearTimeout(this.#timer);
    this.#state = 'ended';
    if (this.#name) this.#observer?.handled(this.#name, this.#code, (performance.now() - this.#startedAt) / 1000);
    const listeners = this.#closeListeners;
    this.#closeListeners = [];
    for (const listener of listeners) listener();
  }
}
