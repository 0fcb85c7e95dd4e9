/** Trace contexts in request fields (W3C, gRPC's binary form, B3) and resource attributes from settings: pure reading and writing. */
export { joinAttributes, parseAttributeLines, parseAttributeList } from './attributes.ts';
export {
  newSpanId,
  parseB3,
  parseGrpcTrace,
  parseTraceparent,
  type TraceContext,
  withGrpcTraceSpan,
  withTraceparentSpan,
} from './context.ts';
