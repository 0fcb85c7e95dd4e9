/**
 * The gRPC contracts between proxy and control plane, wire-compatible with Linkerd's proxy API: one namespace a protobuf
 * package (`outbound.HttpRoute` and `inbound.HttpRoute` differ), generated from proto/ by tools/generate.ts, and the text form
 * of their addresses. Messages are made with `create(net.TcpAddressSchema, {…})` of @bufbuild/protobuf.
 */
export * from './address.ts';
export * from './features.ts';
export * as destination from './gen/destination_pb.js';
export * as grpcRoute from './gen/grpc_route_pb.js';
export * as httpRoute from './gen/http_route_pb.js';
export * as httpTypes from './gen/http_types_pb.js';
export * as identity from './gen/identity_pb.js';
export * as inbound from './gen/inbound_pb.js';
export * as meta from './gen/meta_pb.js';
export * as net from './gen/net_pb.js';
export * as opaqueRoute from './gen/opaque_route_pb.js';
export * as outbound from './gen/outbound_pb.js';
export * as tap from './gen/tap_pb.js';
export * as tlsRoute from './gen/tls_route_pb.js';
