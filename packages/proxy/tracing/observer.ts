import { newSpanId } from '#model/tracing';
import type { Clock } from '#runtime/clock';
import type { Random } from '#runtime/random';
import type { ResponseHead } from '#wire/fields';
import type { Exchange, ExchangeObserver } from '../http/index.ts';
import { requestAttributes, splitPath } from './attributes.ts';
import { type FoundContext, findContext, replaceSpan } from './fields.ts';
import type { Attribute, SpanSink } from './span.ts';

/** A request whose context is known, while it is under way. */
interface Trace {
  readonly found: FoundContext;
  readonly server: OpenSpan;
  /** The attempt under way. */
  client: OpenSpan | undefined;
}

interface OpenSpan {
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly startMs: number;
  readonly name: string;
  /** Empty where the trace is not recorded. */
  readonly attributes: Attribute[];
}

export interface SpansOptions {
  readonly direction: 'inbound' | 'outbound';
  readonly clock: Clock;
  readonly random: Random;
  readonly sink: SpanSink;
}

/**
 * Puts the proxy into the traces of requests that carry a context: a server span for the request, a client span for each attempt,
 * whose id goes on in the field that the context came in. Never begins a trace; spans are kept only of those that are recorded.
 */
export class Spans implements ExchangeObserver {
  readonly #options: SpansOptions;
  readonly #traces = new Map<Exchange, Trace>();

  constructor(options: SpansOptions) {
    this.#options = options;
  }

  begun(exchange: Exchange): void {
    const found = findContext(exchange.request.fields);
    if (!found) return;
    const server = this.#open(exchange, found, found.context.spanId, exchange.outcome.startMs);
    this.#traces.set(exchange, { found, server, client: undefined });
  }

  dispatched(exchange: Exchange): void {
    const trace = this.#traces.get(exchange);
    if (!trace) return;
    this.#closeClient(exchange, trace);
    trace.client = this.#open(exchange, trace.found, trace.server.spanId, this.#options.clock.nowMs());
    replaceSpan(exchange.request.fields, trace.found.fieldId, trace.client.spanId);
  }

  responded(exchange: Exchange, head: ResponseHead): void {
    const trace = this.#traces.get(exchange);
    if (!trace?.found.context.sampled) return;
    const status: Attribute = ['http.response.status_code', head.status];
    trace.server.attributes.push(status);
    trace.client?.attributes.push(status);
  }

  ended(exchange: Exchange): void {
    const trace = this.#traces.get(exchange);
    if (!trace) return;
    this.#traces.delete(exchange);
    this.#closeClient(exchange, trace);
    this.#close(exchange, trace, trace.server, 'server');
  }

  #open(exchange: Exchange, { context }: FoundContext, parentSpanId: string, startMs: number): OpenSpan {
    const { direction, random } = this.#options;
    return {
      spanId: newSpanId(random),
      parentSpanId,
      startMs,
      name: splitPath(exchange.request.path).path,
      attributes: context.sampled ? requestAttributes(exchange.request, direction) : [],
    };
  }

  #closeClient(exchange: Exchange, trace: Trace): void {
    if (trace.client) this.#close(exchange, trace, trace.client, 'client');
    trace.client = undefined;
  }

  #close({ outcome }: Exchange, { found }: Trace, span: OpenSpan, kind: 'server' | 'client'): void {
    const { traceId, sampled } = found.context;
    if (!sampled) return;
    const { clock, sink } = this.#options;
    const endWallMs = clock.wallMs();
    sink.push({
      traceId,
      kind,
      spanId: span.spanId,
      parentSpanId: span.parentSpanId,
      name: span.name,
      startWallMs: endWallMs - (clock.nowMs() - span.startMs),
      endWallMs,
      attributes: span.attributes,
      failed: outcome.status === 0 || outcome.status >= 500 || outcome.fault !== undefined,
    });
  }
}
