/**
 * gRPC over our own HTTP/2: a client over any Duplex, and a server without TLS, for calls of all four kinds. Messages and methods are
 * those of @bufbuild/protobuf; there is no compression.
 */
export { CODES, type GrpcCode } from '#wire/grpc';
export { createGrpcClient, type GrpcClient, type RequestStream } from './client.ts';
export type { CallOptions, StreamSink } from './client-call.ts';
export type { GrpcClientOptions } from './client-connections.ts';
export { Connection, type StreamOwner } from './connection.ts';
export { GrpcError } from './error.ts';
export { FIELDS, type Metadata } from './fields.ts';
export type { KeepAlive } from './keep-alive.ts';
export { type EncodedMessage, encodeMessage } from './message.ts';
export {
  createGrpcServer,
  type DuplexStream,
  type GrpcServer,
  type GrpcServerOptions,
  type ResponseStream,
} from './server.ts';
export type { CallContext, CallName, CallObserver, RequestSink } from './server-call.ts';
