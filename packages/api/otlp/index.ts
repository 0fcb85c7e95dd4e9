/**
 * The gRPC contract with trace collectors: the part of OpenTelemetry's protocol (OTLP) that a proxy needs, written from its field
 * numbers and generated from proto/ by `npm run generate`.
 */
export * as common from './gen/common_pb.js';
export * as resource from './gen/resource_pb.js';
export * as trace from './gen/trace_pb.js';
export * as collector from './gen/trace_service_pb.js';
