import {
  parseB3,
  parseGrpcTrace,
  parseTraceparent,
  type TraceContext,
  withGrpcTraceSpan,
  withTraceparentSpan,
} from '#model/tracing';
import { Field } from '#wire/fields';
import { NAMES } from '../http/index.ts';

const TRACEPARENT = NAMES.idOf('traceparent');
const GRPC_TRACE = NAMES.idOf('grpc-trace-bin');
const B3_TRACE = NAMES.idOf('x-b3-traceid');
const B3_SPAN = NAMES.idOf('x-b3-spanid');
const B3_SAMPLED = NAMES.idOf('x-b3-sampled');

const IS_TRACE = new Uint8Array(NAMES.size);
for (const id of [TRACEPARENT, GRPC_TRACE, B3_TRACE]) IS_TRACE[id] = 1;

/** A context as it was found, with the field that holds the span id. */
export interface FoundContext {
  readonly context: TraceContext;
  readonly fieldId: number;
}

/** The context that a request carries: W3C before gRPC's before B3; undefined: none that can be read. */
export function findContext(fields: readonly Field[]): FoundContext | undefined {
  let carries = false;
  for (let i = 0; i < fields.length && !carries; i++) carries = IS_TRACE[fields[i]!.id] === 1;
  if (!carries) return undefined;
  const value = (id: number): string | undefined => fields.find((field) => field.id === id)?.value;
  const w3c = value(TRACEPARENT);
  const fromW3c = w3c === undefined ? undefined : parseTraceparent(w3c);
  if (fromW3c) return { context: fromW3c, fieldId: TRACEPARENT };
  const grpc = value(GRPC_TRACE);
  const fromGrpc = grpc === undefined ? undefined : parseGrpcTrace(grpc);
  if (fromGrpc) return { context: fromGrpc, fieldId: GRPC_TRACE };
  const fromB3 = parseB3(value(B3_TRACE), value(B3_SPAN), value(B3_SAMPLED));
  return fromB3 && { context: fromB3, fieldId: B3_SPAN };
}

/** Puts another span id where the context was found. */
export function replaceSpan(fields: Field[], fieldId: number, spanId: string): void {
  for (let i = 0; i < fields.length; i++) {
    const field = fields[i]!;
    if (field.id !== fieldId) continue;
    fields[i] = new Field(field.id, field.name, withSpan(field, spanId), field.neverIndexed);
    return;
  }
}

function withSpan({ id, value }: Field, spanId: string): string {
  if (id === TRACEPARENT) return withTraceparentSpan(value, spanId);
  return id === GRPC_TRACE ? withGrpcTraceSpan(value, spanId) : spanId;
}
