/**
 * gRPC over node:http2: a client for unary calls and server streams over any Duplex, and a server for the same without TLS.
 * Messages and methods are those of @bufbuild/protobuf; there is no compression.
 */
export {
  type CallOptions,
  createGrpcClient,
  type GrpcClient,
  type GrpcClientOptions,
  type StreamSink,
} from './client.ts';
export type { KeepAlive } from './keep-alive.ts';
export { plainDuplex } from './plain-duplex.ts';
export { createGrpcServer, type GrpcServer, type GrpcServerOptions, type ResponseStream } from './server.ts';
export type { CallName, CallObserver } from './server-call.ts';
export { CODES, type GrpcCode, GrpcError } from './status.ts';
