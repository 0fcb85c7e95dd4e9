import type { AdaptiveLoad } from '#model/balance';
import type { Clock } from '#runtime/clock';
import type { Counter, Gauge, Histogram } from '#runtime/metrics';
import type { Meta } from '../discover/index.ts';
import { backendLabels, type Metrics, parentLabels } from '../telemetry/index.ts';

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

export type BalancerFamily = 'outbound_http' | 'outbound_tcp' | 'outbound_tls';

/** outbound_{http,tcp,tls}_balancer_* of one balancer. */
export class BalancerMetrics implements BalancerWatch {
  readonly #metrics: Metrics;
  readonly #family: BalancerFamily;
  readonly #labels: ReturnType<typeof labelsOf>;
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
  readonly #updates = new Map<string, Counter>();
  #adaptive: { average: Gauge; bandLow: Gauge; bandHigh: Gauge } | undefined;

  constructor(
    family: BalancerFamily,
    parent: Meta,
    backend: Meta,
    { failfastMs, metrics, clock }: { failfastMs: number; metrics: Metrics; clock: Clock },
  ) {
    const labels = labelsOf(parent, backend);
    this.#metrics = metrics;
    this.#family = family;
    this.#labels = labels;
    this.#clock = clock;
    this.#ready = metrics.gauge(`${family}_balancer_endpoints`, { endpoint_state: 'ready', ...labels });
    this.#pending = metrics.gauge(`${family}_balancer_endpoints`, { endpoint_state: 'pending', ...labels });
    this.#all = metrics.gauge(`${family}_balancer_p2c_endpoints`, labels);
    this.#length = metrics.gauge(`${family}_balancer_queue_length`, labels);
    this.#requests = metrics.counter(`${family}_balancer_queue_requests_total`, labels);
    this.#latency = metrics.histogram(`${family}_balancer_queue_latency_seconds`, labels);
    this.#opened = metrics.counter(`${family}_balancer_queue_gate_open_total`, labels);
    this.#shut = metrics.counter(`${family}_balancer_queue_gate_shut_total`, labels);
    this.#openSince = metrics.gauge(`${family}_balancer_queue_gate_open_time_seconds`, labels);
    this.#shutSince = metrics.gauge(`${family}_balancer_queue_gate_shut_time_seconds`, labels);
    metrics.gauge(`${family}_balancer_queue_gate_timeout_seconds`, labels).set(failfastMs / 1000);
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
    let counter = this.#updates.get(op);
    if (!counter) {
      counter = this.#metrics.counter(`${this.#family}_balancer_p2c_updates_total`, { op, ...this.#labels });
      this.#updates.set(op, counter);
    }
    counter.inc();
  }

  load({ average, bandLow, bandHigh }: AdaptiveLoad): void {
    const gauge = (what: 'average' | 'band_low' | 'band_high'): Gauge =>
      this.#metrics.gauge(`outbound_http_balancer_adaptive_load_${what}`, this.#labels);
    this.#adaptive ??= { average: gauge('average'), bandLow: gauge('band_low'), bandHigh: gauge('band_high') };
    this.#adaptive.average.set(average);
    this.#adaptive.bandLow.set(bandLow);
    this.#adaptive.bandHigh.set(bandHigh);
  }

  release(): void {
    const metrics = this.#metrics;
    const labels = this.#labels;
    this.endpoints(0, 0);
    this.queue(0);
    for (const endpoint_state of ['ready', 'pending'])
      metrics.release(`${this.#family}_balancer_endpoints`, { endpoint_state, ...labels });
    for (const op of this.#updates.keys())
      metrics.release(`${this.#family}_balancer_p2c_updates_total`, { op, ...labels });
    for (const name of RELEASED) metrics.release(`${this.#family}_balancer_${name}`, labels);
    if (this.#adaptive)
      for (const what of ['average', 'band_low', 'band_high'] as const)
        metrics.release(`outbound_http_balancer_adaptive_load_${what}`, labels);
  }
}

const RELEASED = [
  'p2c_endpoints',
  'queue_length',
  'queue_requests_total',
  'queue_latency_seconds',
  'queue_gate_open_total',
  'queue_gate_shut_total',
  'queue_gate_open_time_seconds',
  'queue_gate_shut_time_seconds',
  'queue_gate_timeout_seconds',
] as const;

function labelsOf(parent: Meta, backend: Meta) {
  return { ...parentLabels(parent), ...backendLabels(backend) };
}
