/** Where a request stands in a trace. Ids are lower-case hexadecimal and never all zero. */
export interface TraceContext {
  /** 32 digits. */
  readonly traceId: string;
  /** 16 digits: the span that the request was sent from. */
  readonly spanId: string;
  /** Whether its spans are recorded. */
  readonly sampled: boolean;
}

const HEX_32 = /^[0-9a-f]{32}$/;
const HEX_16 = /^[0-9a-f]{16}$/;
const ZERO = /^0*$/;

/** `00-<trace id>-<span id>-<flags>`, version 00 only. Source: W3C Trace Context, section 3.2. */
export function parseTraceparent(text: string): TraceContext | undefined {
  if (text.length !== 55 || !text.startsWith('00-') || text[35] !== '-' || text[52] !== '-') return undefined;
  const flags = text.slice(53);
  return /^[0-9a-f]{2}$/.test(flags)
    ? contextOf(text.slice(3, 35), text.slice(36, 52), (Number.parseInt(flags, 16) & 1) === 1)
    : undefined;
}

/** The same field for another span; flags that we do not know are kept. `before`: a value that {@link parseTraceparent} took. */
export function withTraceparentSpan(before: string, spanId: string): string {
  return `${before.slice(0, 36)}${spanId}${before.slice(52)}`;
}

const GRPC_TRACE_BYTES = 29;

/**
 * Base64 of a version byte 0 and numbered fields: 0 and 16 bytes of trace id, 1 and 8 bytes of span id, 2 and a byte of options.
 * Source: OpenCensus binary encoding, which gRPC's tracing used.
 */
export function parseGrpcTrace(text: string): TraceContext | undefined {
  if (!/^[A-Za-z0-9+/]{38,40}={0,2}$/.test(text)) return undefined;
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length !== GRPC_TRACE_BYTES || bytes[0] !== 0 || bytes[1] !== 0 || bytes[18] !== 1 || bytes[27] !== 2)
    return undefined;
  return contextOf(bytes.toString('hex', 2, 18), bytes.toString('hex', 19, 27), (bytes[28]! & 1) === 1);
}

/** The same field for another span, without padding as gRPC writes it. `before`: a value that {@link parseGrpcTrace} took. */
export function withGrpcTraceSpan(before: string, spanId: string): string {
  const bytes = Buffer.from(before, 'base64');
  bytes.write(spanId, 19, 8, 'hex');
  return bytes.toString('base64').replace(/=+$/, '');
}

/**
 * The fields `x-b3-traceid` (16 or 32 digits), `x-b3-spanid` and `x-b3-sampled` (`1`, or `true` from old senders; absent: not
 * recorded). Source: openzipkin b3-propagation, multiple headers.
 */
export function parseB3(
  traceId: string | undefined,
  spanId: string | undefined,
  sampled: string | undefined,
): TraceContext | undefined {
  if (traceId === undefined || spanId === undefined) return undefined;
  const long = traceId.length === 16 ? `${'0'.repeat(16)}${traceId}` : traceId;
  return contextOf(long.toLowerCase(), spanId.toLowerCase(), sampled === '1' || sampled === 'true');
}

function contextOf(traceId: string, spanId: string, sampled: boolean): TraceContext | undefined {
  if (!HEX_32.test(traceId) || !HEX_16.test(spanId) || ZERO.test(traceId) || ZERO.test(spanId)) return undefined;
  return { traceId, spanId, sampled };
}

/** A new span id from two random numbers of [0, 1). */
export function newSpanId(random: () => number): string {
  const half = (): string =>
    Math.floor(random() * 2 ** 32)
      .toString(16)
      .padStart(8, '0');
  const id = half() + half();
  return ZERO.test(id) ? '0000000000000001' : id;
}
