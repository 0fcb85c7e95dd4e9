import type { AdaptiveLoad } from '#model/balance';
import type { ProxyMetrics } from '#model/metrics';
import type { Clock } from '#runtime/clock';
import type { Counter, Gauge, Histogram, LabelsOf } from '#runtime/metrics';
import { Bindings } from './bindings.ts';
import type { Metrics } from './labels.ts';

/** What a balancer tells of itself. */
export interface BalancerWatch {
  /** A request wants an endpoint. */
  asked(): void;
  /** A request got an endpoint after waiting so long; 0: at once. */
  waited(ms: number): void;
  queue(length: number): void;
  /** Open: requests are served or wait. Shut: they fail at once. */
  gate(open: boolean): void;
  endpoints(ready: number, all: number): void;
  updated(op: 'Reset' | 'Add' | 'Remove'): void;
  load(load: AdaptiveLoad): void;
  /** The balancer is gone. */
  release(): void;
}

export type BalancerFamily =
  | 'outbound_http'
  | 'outbound_tcp'
  | 'outbound_tls'
  | 'control_identity'
  | 'control_destination'
  | 'control_policy'
  | 'opentelemetry';

/** Of services: parent and backend, for connections also their name. Of the control plane: `addr`. */
export type BalancerLabels = LabelsOf<
  ProxyMetrics,
  | 'outbound_http_balancer_p2c_endpoints'
  | 'outbound_tcp_balancer_p2c_endpoints'
  | 'control_policy_balancer_p2c_endpoints'
>;

/** `<family>_balancer_*` of one balancer. */
export class BalancerMetrics implements BalancerWatch {
  readonly #bindings: Bindings;
  readonly #family: BalancerFamily;
  readonly #labels: BalancerLabels;
  readonly #clock: Clock;
  readonly #ready: Gauge;
  readonly #pending: Gauge;
  readonly #all: Gauge;
  readonly #length: Gauge;
  readonly #requests: Counter;
  readonly #latency: Histogram;
  readonly #opened: Counter;
  readonly #shut: Counter;
  readonly #openSince: Gauge;
  readonly #shutSince: Gauge;
  readonly #updates: Partial<Record<'Reset' | 'Add' | 'Remove', Counter>> = {};
  #adaptive: { average: Gauge; bandLow: Gauge; bandHigh: Gauge } | undefined;

  constructor(
    family: BalancerFamily,
    labels: BalancerLabels,
    { failfastMs, metrics, clock }: { failfastMs: number; metrics: Metrics; clock: Clock },
  ) {
    const bindings = new Bindings(metrics);
    this.#bindings = bindings;
    this.#family = family;
    this.#labels = labels;
    this.#clock = clock;
    this.#ready = bindings.gauge(`${family}_balancer_endpoints`, { endpoint_state: 'ready', ...labels });
    this.#pending = bindings.gauge(`${family}_balancer_endpoints`, { endpoint_state: 'pending', ...labels });
    this.#all = bindings.gauge(`${family}_balancer_p2c_endpoints`, labels);
    this.#length = bindings.gauge(`${family}_balancer_queue_length`, labels);
    this.#requests = bindings.counter(`${family}_balancer_queue_requests_total`, labels);
    this.#latency = bindings.histogram(`${family}_balancer_queue_latency_seconds`, labels);
    this.#opened = bindings.counter(`${family}_balancer_queue_gate_open_total`, labels);
    this.#shut = bindings.counter(`${family}_balancer_queue_gate_shut_total`, labels);
    this.#openSince = bindings.gauge(`${family}_balancer_queue_gate_open_time_seconds`, labels);
    this.#shutSince = bindings.gauge(`${family}_balancer_queue_gate_shut_time_seconds`, labels);
    bindings.gauge(`${family}_balancer_queue_gate_timeout_seconds`, labels).set(failfastMs / 1000);
  }

  asked(): void {
    this.#requests.inc();
  }

  waited(ms: number): void {
    this.#latency.observe(ms / 1000);
  }

  queue(length: number): void {
    this.#length.set(length);
  }

  gate(open: boolean): void {
    const nowSeconds = this.#clock.wallMs() / 1000;
    (open ? this.#opened : this.#shut).inc();
    this.#openSince.set(open ? nowSeconds : 0);
    this.#shutSince.set(open ? 0 : nowSeconds);
  }

  endpoints(ready: number, all: number): void {
    this.#ready.set(ready);
    this.#pending.set(all - ready);
    this.#all.set(all);
  }

  updated(op: 'Reset' | 'Add' | 'Remove'): void {
    let counter = this.#updates[op];
    if (!counter) {
      counter = this.#bindings.counter(`${this.#family}_balancer_p2c_updates_total`, { op, ...this.#labels });
      this.#updates[op] = counter;
    }
    counter.inc();
  }

  load({ average, bandLow, bandHigh }: AdaptiveLoad): void {
    const gauge = (what: 'average' | 'band_low' | 'band_high'): Gauge =>
      this.#bindings.gauge(`outbound_http_balancer_adaptive_load_${what}`, this.#labels);
    this.#adaptive ??= { average: gauge('average'), bandLow: gauge('band_low'), bandHigh: gauge('band_high') };
    this.#adaptive.average.set(average);
    this.#adaptive.bandLow.set(bandLow);
    this.#adaptive.bandHigh.set(bandHigh);
  }

  release(): void {
    this.endpoints(0, 0);
    this.queue(0);
    this.#bindings.release();
  }
}
