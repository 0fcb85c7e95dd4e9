import { isFailure } from '#model/classify';
import type { ControlService } from '#model/proxy-config';
import type { Clock } from '#runtime/clock';
import { CODES, type GrpcCode, GrpcError } from '#runtime/grpc';
import type { StreamSink } from '../discover/index.ts';
import type { Metrics } from '../telemetry/index.ts';
import { addrLabel, type ChannelMetrics } from './channel-metrics.ts';

/** control_request_total and its kin for the calls to one service. */
export class CallMetrics {
  readonly #metrics: Metrics;
  readonly #clock: Clock;
  readonly #channel: Pick<ChannelMetrics, 'asked'>;
  readonly #labels: { addr: string; tls: string; server_id?: string; no_tls_reason?: string };

  constructor(
    service: ControlService,
    { metrics, clock, channel }: { metrics: Metrics; clock: Clock; channel: Pick<ChannelMetrics, 'asked'> },
  ) {
    this.#channel = channel;
    this.#metrics = metrics;
    this.#clock = clock;
    const addr = addrLabel(service);
    this.#labels =
      service.name === undefined
        ? { addr, tls: 'no_identity', no_tls_reason: 'loopback' }
        : { addr, tls: 'true', server_id: service.name };
  }

  /** Counts a stream from now until it ends. */
  counted<T>(sink: StreamSink<T>): StreamSink<T> {
    const done = this.#begin();
    return {
      message: (value) => sink.message(value),
      ended: (error) => {
        done((error?.code ?? 'OK') as GrpcCode);
        sink.ended(error);
      },
    };
  }

  async timed<T>(call: () => Promise<T>): Promise<T> {
    const done = this.#begin();
    try {
      const result = await call();
      done('OK');
      return result;
    } catch (error) {
      done(GrpcError.from(error).code);
      throw error;
    }
  }

  #begin(): (code: GrpcCode) => void {
    const startMs = this.#clock.nowMs();
    this.#channel.asked();
    this.#metrics.counter('control_request_total', this.#labels).inc();
    return (code) => {
      const labels = { ...this.#labels, status_code: '200' };
      const status = CODES[code] ?? CODES.UNKNOWN;
      const classification = isFailure(200, status, true) ? 'failure' : 'success';
      const grpc_status = String(status);
      this.#metrics.counter('control_response_total', { ...labels, classification, grpc_status, error: '' }).inc();
      this.#metrics.histogram('control_response_latency_ms', labels).observe(this.#clock.nowMs() - startMs);
    };
  }
}
