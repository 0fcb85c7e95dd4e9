/** The proxy's part in traces that others began: spans of requests and attempts, sent to a collector (OTLP over gRPC) in batches. */
export { SpanExporter, type SpanExporterOptions } from './exporter.ts';
export { Spans, type SpansOptions } from './observer.ts';
export { resourceAttributes } from './resource.ts';
export type { FinishedSpan, SpanSink } from './span.ts';
