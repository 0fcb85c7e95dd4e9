import { collector } from '#api/otlp';
import type { Clock, Timer } from '#runtime/clock';
import type { GrpcClient } from '#runtime/grpc';
import type { Log } from '#runtime/log';
import type { Counter } from '#runtime/metrics';
import { LIMITS } from '../limits.ts';
import type { Metrics } from '../telemetry/index.ts';
import { exportRequest } from './otlp.ts';
import type { Attribute, FinishedSpan, SpanSink } from './span.ts';

export interface SpanExporterOptions {
  readonly channel: Pick<GrpcClient, 'unary'>;
  /** What all spans come from. */
  readonly resource: readonly Attribute[];
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Sends spans to a collector in batches, one call at a time; a slow collector costs spans, never requests. */
export class SpanExporter implements SpanSink {
  readonly #options: SpanExporterOptions;
  readonly #streams: Counter;
  readonly #requests: Counter;
  readonly #exports: Counter;
  readonly #lostInQueue: Counter;
  readonly #lostInExport: Counter;
  #waiting: FinishedSpan[] = [];
  #timer: Timer | undefined;
  #exporting: Promise<void> | undefined;
  #healthy = false;

  constructor(options: SpanExporterOptions) {
    const { metrics } = options;
    this.#options = options;
    this.#streams = metrics.counter('opentelemetry_span_export_streams', {});
    this.#requests = metrics.counter('opentelemetry_span_export_requests', {});
    this.#exports = metrics.counter('opentelemetry_span_exports', {});
    this.#lostInQueue = metrics.counter('opentelemetry_spans_dropped_total', { reason: 'queue' });
    this.#lostInExport = metrics.counter('opentelemetry_spans_dropped_total', { reason: 'export' });
  }

  push(span: FinishedSpan): void {
    if (this.#waiting.length >= LIMITS.spansWaitingMax) {
      this.#lostInQueue.inc();
      return;
    }
    this.#waiting.push(span);
    if (this.#waiting.length >= LIMITS.spansPerExportMax) this.#next();
    else this.#timer ??= this.#options.clock.after(LIMITS.spansWaitMs, () => this.#next());
  }

  /** Sends what is there; resolves when it arrived or was given up, at the latest after a while. */
  async stop(): Promise<void> {
    let isLate = false;
    const late = new Promise<void>((resolve) => {
      this.#options.clock.after(LIMITS.spansStopMs, () => {
        isLate = true;
        resolve();
      });
    });
    while (!isLate && (this.#waiting.length > 0 || this.#exporting)) {
      this.#next();
      await Promise.race([this.#exporting, late]);
    }
  }

  #next(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#exporting || this.#waiting.length === 0) return;
    const batch = this.#waiting.splice(0, LIMITS.spansPerExportMax);
    this.#exporting = this.#export(batch).finally(() => {
      this.#exporting = undefined;
      if (this.#waiting.length >= LIMITS.spansPerExportMax) this.#next();
      else if (this.#waiting.length > 0)
        this.#timer ??= this.#options.clock.after(LIMITS.spansWaitMs, () => this.#next());
    });
  }

  async #export(batch: readonly FinishedSpan[]): Promise<void> {
    const { channel, resource, log } = this.#options;
    if (!this.#healthy) this.#streams.inc();
    this.#requests.inc();
    try {
      const request = exportRequest(resource, batch);
      const { partialSuccess } = await channel.unary(collector.TraceService.method.export, request, {
        timeoutMs: LIMITS.spansExportMs,
      });
      const rejected = Math.min(batch.length, Number(partialSuccess?.rejectedSpans ?? 0n));
      this.#healthy = true;
      this.#exports.add(batch.length - rejected);
      this.#lostInExport.add(rejected);
    } catch (error) {
      this.#healthy = false;
      this.#lostInExport.add(batch.length);
      log.warn('Failed to export spans', { error: (error as Error).message, spans: batch.length });
    }
  }
}
