/** A text or a whole number. */
export type AttributeValue = string | number;
export type Attribute = readonly [key: string, value: AttributeValue];

/** One span that is over. */
export interface FinishedSpan {
  /** Hexadecimal. */
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: 'server' | 'client';
  /** Milliseconds since 1970, with fractions. */
  readonly startWallMs: number;
  readonly endWallMs: number;
  readonly attributes: readonly Attribute[];
  readonly failed: boolean;
}

/** Takes spans and sees to it that they arrive, or does not. */
export interface SpanSink {
  push(span: FinishedSpan): void;
}
