/** The serving side: methods by path, over HTTP/2 without TLS (the pod's own proxy terminates mTLS in front of it). */
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import {
  create,
  type DescMessage,
  type DescMethod,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
} from '@bufbuild/protobuf';
import { FrameDecoder } from './framing.ts';
import { type KeepAlive, keepAlive } from './keep-alive.ts';
import { LIMITS } from './limits.ts';
import { type CallObserver, ServerCall } from './server-call.ts';
import { GrpcError } from './status.ts';
import { decodeTimeout } from './timeout.ts';

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
    handler: (request: MessageShape<I>) => Promise<MessageInitShape<O>> | MessageInitShape<O>,
  ): void;
  /** Serves a stream. The handler returns at once and writes as long as `stream` is open; what it throws ends the stream. */
  serverStream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    handler: (request: MessageShape<I>, stream: ResponseStream<O>) => void,
  ): void;
  /** Resolves with the bound address once connections are accepted. */
  listen(at: { host: string; port: number }): Promise<AddressInfo>;
  /** Accepts no more, ends open streams with OK, and resolves when all connections are gone: at most drainMsMax later. */
  close(): Promise<void>;
}

/** What a streaming handler writes to. */
export interface ResponseStream<O extends DescMessage> {
  /**
   * Sends a message. Returns whether the peer keeps up; after false, hold back until `onWritable`: whoever writes all the same
   * fills memory.
   */
  write(message: MessageInitShape<O>): boolean;
  /** Whether the peer keeps up. */
  readonly writable: boolean;
  /** Called each time the peer has caught up. */
  onWritable(listener: () => void): void;
  /** Ends the stream, by default with OK. */
  end(error?: GrpcError): void;
  /** Called once when the stream is over, whoever ended it. */
  onClose(listener: () => void): void;
}

interface Route {
  method: DescMethod;
  serve(request: MessageShape<DescMessage>, call: ServerCall): void;
}

/** A server without methods, not yet listening. */
export function createGrpcServer(options: GrpcServerOptions = {}): GrpcServer {
  const routes = new Map<string, Route>();
  const calls = new Set<ServerCall>();
  const sessions = new Set<http2.ServerHttp2Session>();
  const server = http2.createServer({
    maxSessionMemory: LIMITS.sessionMemoryMb,
    settings: { maxConcurrentStreams: LIMITS.concurrentStreamsMax },
  });
  server.on('session', (session) => {
    sessions.add(session);
    session.on('close', () => sessions.delete(session));
    session.on('error', () => session.destroy()); // a peer that breaks the protocol loses its streams; each call is counted
    if (options.keepAlive) keepAlive(session, options.keepAlive, () => session.destroy());
  });
  server.on('stream', (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => {
    const path = String(headers[':path'] ?? '');
    const route = routes.get(path);
    const call = new ServerCall(stream, route?.method, options.observer);
    calls.add(call);
    call.onClose(() => calls.delete(call));
    const refusal = refusalOf(route, headers, path);
    if (refusal || !route) call.end(refusal);
    else acceptCall(route, call, stream, headers, options);
  });
  const add = (method: DescMethod, serve: Route['serve']) => {
    routes.set(`/${method.parent.typeName}/${method.name}`, { method, serve });
  };
  return {
    unary: (method, handler) =>
      add(method, (request, call) => {
        Promise.resolve(handler(request as MessageShape<typeof method.input>)).then(
          (answer) => {
            call.write(method.output, create(method.output, answer));
            call.end();
          },
          (error) => endWith(call, error, options),
        );
      }),
    serverStream: (method, handler) =>
      add(method, (request, call) => {
        handler(request as MessageShape<typeof method.input>, {
          write: (message) => call.write(method.output, create(method.output, message)),
          get writable() {
            return call.writable;
          },
          onWritable: (listener) => call.onWritable(listener),
          end: (error) => call.end(error),
          onClose: (listener) => call.onClose(listener),
        });
      }),
    listen: (at) =>
      new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen(at.port, at.host, () => {
          server.off('error', reject);
          resolve(server.address() as AddressInfo);
        });
      }),
    close: () => closeServer(server, calls, sessions),
  };
}

function refusalOf(route: Route | undefined, headers: http2.IncomingHttpHeaders, path: string): GrpcError | undefined {
  if (headers[':method'] !== 'POST')
    return new GrpcError('UNIMPLEMENTED', `gRPC calls are POST, not ${headers[':method']}`);
  if (!String(headers['content-type'] ?? '').startsWith('application/grpc'))
    return new GrpcError('INTERNAL', `expected content-type application/grpc, got "${headers['content-type'] ?? ''}"`);
  if (!route) return new GrpcError('UNIMPLEMENTED', `no method ${path}`);
  const encoding = headers['grpc-encoding'] ?? 'identity';
  if (encoding !== 'identity') return new GrpcError('UNIMPLEMENTED', `message encoding ${encoding} is not supported`);
  return undefined;
}

/** Reads the one request message, then serves the call. */
function acceptCall(
  route: Route,
  call: ServerCall,
  stream: http2.ServerHttp2Stream,
  headers: http2.IncomingHttpHeaders,
  options: GrpcServerOptions,
): void {
  const frames = new FrameDecoder();
  let request: MessageShape<DescMessage> | undefined;
  const timeoutMs = decodeTimeout(headers['grpc-timeout'] as string | undefined);
  if (timeoutMs !== undefined && timeoutMs < LIMITS.timerMsMax) call.endAfter(timeoutMs);
  stream.on('data', (chunk: Buffer) => {
    try {
      frames.push(chunk, (bytes) => {
        if (request) throw new GrpcError('INVALID_ARGUMENT', 'more than one request message');
        request = decodeRequest(route.method, bytes);
      });
    } catch (error) {
      endWith(call, error, options);
    }
  });
  stream.on('end', () => {
    if (call.ended) return;
    if (!request) return call.end(new GrpcError('INVALID_ARGUMENT', 'no request message'));
    call.received();
    try {
      route.serve(request, call);
    } catch (error) {
      endWith(call, error, options);
    }
  });
}

function decodeRequest(method: DescMethod, bytes: Uint8Array): MessageShape<DescMessage> {
  try {
    return fromBinary(method.input, bytes);
  } catch (error) {
    throw new GrpcError('INVALID_ARGUMENT', `malformed ${method.input.typeName}`, error);
  }
}

function endWith(call: ServerCall, error: unknown, options: GrpcServerOptions): void {
  if (!(error instanceof GrpcError)) options.onBug?.(call.method, error);
  call.end(GrpcError.from(error));
}

async function closeServer(
  server: http2.Http2Server,
  calls: Set<ServerCall>,
  sessions: Set<http2.ServerHttp2Session>,
): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  for (const call of calls) call.end();
  for (const session of sessions) session.close();
  let timer: NodeJS.Timeout | undefined;
  const overdue = new Promise<void>((resolve) => {
    timer = setTimeout(() => {
      for (const session of sessions) session.destroy();
      resolve();
    }, LIMITS.drainMsMax);
  });
  await Promise.race([closed, overdue]);
  clearTimeout(timer);
}
