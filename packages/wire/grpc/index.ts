/**
 * gRPC on the wire, whatever carries it: messages with their length prefixes, status codes, status texts and time-outs.
 * Messages are not compressed.
 */
export { CODES, codeOf, codeOfHttpStatus, codeOfReset, type GrpcCode, grpcStatusOf } from './codes.ts';
export { encodeGrpcMessage, GRPC_PREFIX_BYTES, GrpcDecoder, type GrpcMessageSink, writeGrpcPrefix } from './framing.ts';
export { decodeMessageText, encodeMessageText } from './message-text.ts';
export { decodeTimeout, encodeTimeout } from './timeout.ts';
