import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { collector, type common, resource, trace } from '#api/otlp';
import type { Attribute, FinishedSpan } from './span.ts';

const KINDS = { server: trace.Span_SpanKind.SERVER, client: trace.Span_SpanKind.CLIENT } as const;
const NANOS_PER_MS = 1_000_000n;

/** Spans of one resource as a collector takes them. */
export function exportRequest(attributes: readonly Attribute[], spans: readonly FinishedSpan[]) {
  return create(collector.ExportTraceServiceRequestSchema, {
    resourceSpans: [
      {
        resource: create(resource.ResourceSchema, { attributes: attributes.map(keyValue) }),
        scopeSpans: [{ scope: { name: 'weft-proxy' }, spans: spans.map(spanMessage) }],
      },
    ],
  });
}

function spanMessage(span: FinishedSpan): MessageInitShape<typeof trace.SpanSchema> {
  return {
    traceId: Buffer.from(span.traceId, 'hex'),
    spanId: Buffer.from(span.spanId, 'hex'),
    parentSpanId: Buffer.from(span.parentSpanId, 'hex'),
    name: span.name,
    kind: KINDS[span.kind],
    startTimeUnixNano: nanos(span.startWallMs),
    endTimeUnixNano: nanos(span.endWallMs),
    attributes: span.attributes.map(keyValue),
    ...(span.failed && { status: { code: trace.Status_StatusCode.ERROR } }),
  };
}

function keyValue([key, value]: Attribute): MessageInitShape<typeof common.KeyValueSchema> {
  return typeof value === 'number'
    ? { key, value: { value: { case: 'intValue', value: BigInt(Math.round(value)) } } }
    : { key, value: { value: { case: 'stringValue', value } } };
}

/** Whole milliseconds and the rest apart: together they have more digits than a number holds. */
function nanos(wallMs: number): bigint {
  const wholeMs = Math.floor(wallMs);
  return BigInt(wholeMs) * NANOS_PER_MS + BigInt(Math.round((wallMs - wholeMs) * 1e6));
}
