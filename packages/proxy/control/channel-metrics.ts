import type { ControlService } from '#model/proxy-config';
import type { Clock } from '#runtime/clock';
import { formatAddr } from '#runtime/net';
import { type BalancerFamily, BalancerMetrics, type Metrics } from '../telemetry/index.ts';
import type { ResolverClient } from './resolve.ts';

const FAMILIES: Readonly<Record<ResolverClient, BalancerFamily>> = {
  identity: 'control_identity',
  destination: 'control_destination',
  policy: 'control_policy',
  trace_collector: 'opentelemetry',
};

/** Calls whose wait for a connection is measured at once. */
const WAITING_MAX = 1_000;

/** A service in labels; the dot that ends a complete name is left out. */
export const addrLabel = ({ addr }: Pick<ControlService, 'addr'>): string =>
  formatAddr(addr.host.replace(/\.$/, ''), addr.port);

/** control_*_balancer_* of one service: its addresses, and calls that wait for a connection. */
export class ChannelMetrics {
  readonly #balancer: BalancerMetrics;
  readonly #clock: Clock;
  #addresses = 0;
  #state: 'opening' | 'connected' | 'failed' = 'opening';
  #waitingSinceMs: number[] = [];

  constructor(
    client: ResolverClient,
    service: Pick<ControlService, 'addr'>,
    { clock, metrics, connectTimeoutMs }: { clock: Clock; metrics: Metrics; connectTimeoutMs: number },
  ) {
    this.#clock = clock;
    this.#balancer = new BalancerMetrics(
      FAMILIES[client],
      { addr: addrLabel(service) },
      { failfastMs: connectTimeoutMs, metrics, clock },
    );
    this.#balancer.gate(true);
  }

  /** A call begins. */
  asked(): void {
    this.#balancer.asked();
    if (this.#state === 'connected') this.#balancer.waited(0);
    else if (this.#waitingSinceMs.length < WAITING_MAX) {
      this.#waitingSinceMs.push(this.#clock.nowMs());
      this.#balancer.queue(this.#waitingSinceMs.length);
    }
  }

  /** So many addresses are known now. */
  resolved(addresses: number): void {
    if (addresses !== this.#addresses) this.#balancer.updated('Reset');
    this.#addresses = addresses;
    this.#tell();
  }

  connected(): void {
    if (this.#state === 'failed') this.#balancer.gate(true);
    this.#state = 'connected';
    const nowMs = this.#clock.nowMs();
    for (const sinceMs of this.#waitingSinceMs) this.#balancer.waited(nowMs - sinceMs);
    this.#tell();
  }

  /** No address could be reached: calls fail. */
  failed(): void {
    if (this.#state !== 'failed') this.#balancer.gate(false);
    this.#state = 'failed';
    this.#tell();
  }

  /** The connection is over. */
  lost(): void {
    if (this.#state === 'connected') this.#state = 'opening';
    this.#tell();
  }

  #tell(): void {
    if (this.#state !== 'opening') {
      this.#waitingSinceMs = [];
      this.#balancer.queue(0);
    }
    this.#balancer.endpoints(this.#state === 'connected' ? this.#addresses : 0, this.#addresses);
  }
}
