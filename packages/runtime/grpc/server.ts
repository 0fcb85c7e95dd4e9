/** The serving side: methods by path, over HTTP/2 without TLS (the pod's own proxy terminates mTLS in front of it). */
import net, { type AddressInfo, type Socket } from 'node:net';
import type {
  DescMessage,
  DescMethod,
  DescMethodBiDiStreaming,
  DescMethodClientStreaming,
  DescMethodServerStreaming,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from '@bufbuild/protobuf';
import type { RequestHead } from '#wire/fields';
import { createFlusher } from '../flush/index.ts';
import { Connection } from './connection.ts';
import { GrpcError } from './error.ts';
import { fieldValue } from './fields.ts';
import type { KeepAlive } from './keep-alive.ts';
import { LIMITS } from './limits.ts';
import { type EncodedMessage, encodeMessage } from './message.ts';
import {
  type CallContext,
  type CallName,
  type CallObserver,
  type RequestSink,
  type Route,
  ServerCall,
  type ServerEvents,
} from './server-call.ts';

export interface GrpcServerOptions {
  observer?: CallObserver;
  /** Called with errors of handlers that are not GrpcErrors: bugs. The caller sees UNKNOWN. */
  onBug?(method: string, error: unknown): void;
  keepAlive?: KeepAlive;
}

export interface GrpcServer {
  /** Serves a unary method. What the handler throws becomes the status. */
  unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    handler: (request: MessageShape<I>, context: CallContext) => Promise<MessageInitShape<O>> | MessageInitShape<O>,
  ): void;
  /** Serves a stream. The handler returns at once and writes as long as `stream` is open; what it throws ends the stream. */
  serverStream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    handler: (request: MessageShape<I>, stream: ResponseStream<O>, context: CallContext) => void,
  ): void;
  /** Serves a stream of requests: the handler gives who takes them, and writes its answer or answers when it likes. */
  duplex<I extends DescMessage, O extends DescMessage>(
    method: DescMethodClientStreaming<I, O> | DescMethodBiDiStreaming<I, O>,
    handler: (stream: DuplexStream<O>, context: CallContext) => RequestSink<MessageShape<I>>,
  ): void;
  /** Serves a connection that was accepted elsewhere, e.g. behind TLS. */
  accept(socket: Socket): void;
  /** Resolves with the bound address once connections are accepted. */
  listen(at: { host: string; port: number }): Promise<AddressInfo>;
  /**
   * Accepts no more, ends open streams with OK, lets unary calls end, and resolves when all connections are gone: at most
   * drainMsMax later.
   */
  close(): Promise<void>;
}

/** What a streaming handler writes to. */
export interface ResponseStream<O extends DescMessage> {
  /**
   * Sends a message. Returns whether the peer keeps up; after false, hold back until `onWritable`: whoever writes all the same
   * fills memory, up to heldBytesMax, where the stream is broken off.
   */
  write(message: MessageInitShape<O>): boolean;
  /** The same for a message that is encoded already: one encoding serves many streams. */
  writeEncoded(message: EncodedMessage<O>): boolean;
  /** Whether the peer keeps up. */
  readonly writable: boolean;
  /** Called each time the peer has caught up. */
  onWritable(listener: () => void): void;
  /** Ends the stream, by default with OK. */
  end(error?: GrpcError): void;
  /** Called once when the stream is over, whoever ended it. */
  onClose(listener: () => void): void;
}

/** A stream whose requests can be held back. */
export interface DuplexStream<O extends DescMessage> extends ResponseStream<O> {
  /** Takes no request until `resume`; the caller is slowed down by its window. */
  pause(): void;
  resume(): void;
}

/** A server without methods, not yet listening. */
export function createGrpcServer(options: GrpcServerOptions = {}): GrpcServer {
  return new Server(options);
}

class Server implements GrpcServer, ServerEvents {
  readonly observer: CallObserver | undefined;
  readonly #options: GrpcServerOptions;
  readonly #flusher = createFlusher();
  readonly #routes = new Map<string, Route>();
  readonly #calls = new Set<ServerCall>();
  readonly #connections = new Set<Connection<ServerCall>>();
  readonly #listener = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.accept(socket));
  #isDraining = false;
  #drained: (() => void) | undefined;

  constructor(options: GrpcServerOptions) {
    this.#options = options;
    this.observer = options.observer;
  }

  unary: GrpcServer['unary'] = (method, handler) =>
    this.#add(method, (call) =>
      oneMessage((request) => {
        Promise.resolve(handler(request as MessageShape<typeof method.input>, call))
          .then((answer) => {
            call.write(encodeMessage(method.output, answer));
            call.end();
          })
          .catch((error) => call.failed(error));
      }),
    );

  serverStream: GrpcServer['serverStream'] = (method, handler) =>
    this.#add(method, (call) =>
      oneMessage((request) => {
        handler(request as MessageShape<typeof method.input>, new CallStream(method.output, call), call);
      }),
    );

  duplex: GrpcServer['duplex'] = (method, handler) =>
    this.#add(
      method,
      (call) => handler(new CallStream(method.output, call), call) as RequestSink<MessageShape<DescMessage>>,
    );

  accept(socket: Socket): void {
    const connection = new Connection<ServerCall>(
      socket,
      {
        role: 'server',
        streamWindow: LIMITS.serverStreamWindow,
        connectionWindow: LIMITS.serverConnectionWindow,
        keepAlive: this.#options.keepAlive,
        flusher: this.#flusher,
      },
      {
        request: (stream, head, end) => {
          const route = this.#routes.get(head.path);
          const call = new ServerCall(connection, stream, head.fields, route, this);
          stream.owner = call;
          this.#calls.add(call);
          call.start(refusalOf(route, head), end);
          // Who comes while the server drains is told so by the end of its stream.
          if (this.#isDraining && !route?.isUnary) call.end();
        },
        closed: () => {
          this.#connections.delete(connection);
          if (this.#connections.size === 0) this.#drained?.();
        },
      },
    );
    this.#connections.add(connection);
    if (this.#isDraining) connection.finish(true);
  }

  listen(at: { host: string; port: number }): Promise<AddressInfo> {
    return new Promise((resolve, reject) => {
      this.#listener.once('error', reject);
      this.#listener.listen(at.port, at.host, () => {
        this.#listener.off('error', reject);
        resolve(this.#listener.address() as AddressInfo);
      });
    });
  }

  close(): Promise<void> {
    this.#isDraining = true;
    this.#listener.close();
    for (const connection of this.#connections) connection.finish(true);
    for (const call of [...this.#calls]) if (!call.route?.isUnary) call.end();
    if (this.#connections.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const overdue = setTimeout(() => {
        for (const connection of [...this.#connections]) connection.destroy('the server has ended');
      }, LIMITS.drainMsMax);
      this.#drained = () => {
        clearTimeout(overdue);
        resolve();
      };
    });
  }

  bug(method: string, error: unknown): void {
    this.#options.onBug?.(method, error);
  }

  over(call: ServerCall): void {
    this.#calls.delete(call);
  }

  #add(method: DescMethod, begin: Route['begin']): void {
    const name = { service: method.parent.typeName, method: method.name, type: TYPES[method.methodKind] };
    this.#routes.set(`/${name.service}/${name.method}`, { method, name, isUnary: name.type === 'unary', begin });
  }
}

const TYPES: Record<DescMethod['methodKind'], CallName['type']> = {
  unary: 'unary',
  client_streaming: 'client_stream',
  server_streaming: 'server_stream',
  bidi_streaming: 'bidi_stream',
};

function refusalOf(route: Route | undefined, { method, path, fields }: RequestHead): GrpcError | undefined {
  if (method !== 'POST') return new GrpcError('UNIMPLEMENTED', `gRPC calls are POST, not ${method}`);
  const type = fieldValue(fields, 'content-type') ?? '';
  if (!type.startsWith('application/grpc'))
    return new GrpcError('INTERNAL', `expected content-type application/grpc, got "${type}"`);
  if (!route) return new GrpcError('UNIMPLEMENTED', `no method ${path}`);
  const encoding = fieldValue(fields, 'grpc-encoding') ?? 'identity';
  if (encoding !== 'identity') return new GrpcError('UNIMPLEMENTED', `message encoding ${encoding} is not supported`);
  return undefined;
}

/** Serves the one message of a request when it is complete. */
function oneMessage(serve: (request: MessageShape<DescMessage>) => void): RequestSink<MessageShape<DescMessage>> {
  let request: MessageShape<DescMessage> | undefined;
  return {
    message(message) {
      if (request) throw new GrpcError('INVALID_ARGUMENT', 'more than one request message');
      request = message;
    },
    ended() {
      if (!request) throw new GrpcError('INVALID_ARGUMENT', 'no request message');
      serve(request);
      request = undefined;
    },
  };
}

/** A call as its handler writes to it. */
class CallStream<O extends DescMessage> implements DuplexStream<O> {
  readonly #output: O;
  readonly #call: ServerCall;

  constructor(output: O, call: ServerCall) {
    this.#output = output;
    this.#call = call;
  }

  get writable(): boolean {
    return this.#call.writable;
  }

  write(message: MessageInitShape<O>): boolean {
    return this.#call.write(encodeMessage(this.#output, message));
  }

  writeEncoded(message: EncodedMessage<O>): boolean {
    return this.#call.write(message);
  }

  onWritable(listener: () => void): void {
    this.#call.onWritable(listener);
  }

  end(error?: GrpcError): void {
    this.#call.end(error);
  }

  onClose(listener: () => void): void {
    this.#call.onClose(listener);
  }

  pause(): void {
    this.#call.pause();
  }

  resume(): void {
    this.#call.resume();
  }
}
