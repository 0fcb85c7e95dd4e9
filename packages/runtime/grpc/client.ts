/** The calling side: calls of all four kinds over one HTTP/2 connection at a time. */
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
import { type CallOptions, ClientCall, type StreamSink } from './client-call.ts';
import { ClientConnections, type GrpcClientOptions } from './client-connections.ts';
import { GrpcError } from './error.ts';
import { encodeMessage } from './message.ts';

/** What the caller of a stream of requests writes to. */
export interface RequestStream<I extends DescMessage> {
  /** Sends a message. Returns whether the server keeps up; after false, hold back until `onWritable`. */
  write(message: MessageInitShape<I>): boolean;
  /** False also before the call has a connection. */
  readonly writable: boolean;
  /** Called each time the server has caught up, and when the call gets its connection. */
  onWritable(listener: () => void): void;
  /** Says that no message follows; the answer goes on. */
  end(): void;
  /** Gives the call up, after which the sink is not called. */
  cancel(): void;
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
  /** A stream of requests; the sink hears the one answer, or the stream of them. */
  duplex<I extends DescMessage, O extends DescMessage>(
    method: DescMethodClientStreaming<I, O> | DescMethodBiDiStreaming<I, O>,
    sink: StreamSink<MessageShape<O>>,
    options?: CallOptions,
  ): RequestStream<I>;
  /** Cuts the connection; calls under way end with UNAVAILABLE. The client may be used again. */
  close(): void;
}

/** A client for one server. It never retries calls: that is the caller's policy. */
export function createGrpcClient(options: GrpcClientOptions): GrpcClient {
  const connections = new ClientConnections(options);
  const begin = <O extends DescMessage>(
    method: DescMethod & { readonly output: O },
    sink: StreamSink<MessageShape<O>>,
    callOptions: CallOptions,
  ) => new ClientCall(connections, method, options.authority, callOptions, sink);
  return {
    unary: (method, request, callOptions = {}) =>
      new Promise((resolve, reject) => {
        const { signal } = callOptions;
        const onAbort = (): void => {
          call.cancel();
          reject(new GrpcError('CANCELLED', 'cancelled by the caller'));
        };
        const sink = answerSink<MessageShape<typeof method.output>>(
          resolve,
          (error) => reject(error),
          () => signal?.removeEventListener('abort', onAbort),
        );
        const call = begin(method, sink, callOptions);
        if (signal?.aborted) return onAbort();
        signal?.addEventListener('abort', onAbort, { once: true });
        call.end(encodeMessage(method.input, request));
        connections.submit(call);
      }),
    serverStream(method, request, sink, callOptions = {}) {
      const call = begin(method, sink, callOptions);
      call.end(encodeMessage(method.input, request));
      connections.submit(call);
      return () => call.cancel();
    },
    duplex(method, sink, callOptions = {}) {
      const call = begin(method, sink, callOptions);
      connections.submit(call);
      return {
        write: (message) => call.write(encodeMessage(method.input, message)),
        get writable() {
          return call.writable;
        },
        onWritable: (listener) => call.onWritable(listener),
        end: () => call.end(),
        cancel: () => call.cancel(),
      };
    },
    close: () => connections.close(),
  };
}

/** Takes the one message of a call. */
function answerSink<T>(
  answered: (message: T) => void,
  failed: (error: GrpcError) => void,
  done: () => void,
): StreamSink<T> {
  let answer: T | undefined;
  return {
    message(message) {
      answer = message;
    },
    ended(error) {
      done();
      if (error) failed(error);
      else if (answer !== undefined) answered(answer);
      else failed(new GrpcError('INTERNAL', 'the server ended the call with OK but sent no message'));
    },
  };
}
