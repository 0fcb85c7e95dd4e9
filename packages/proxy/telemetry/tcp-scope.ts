import type { ProxyMetrics } from '#model/metrics';
import type { Counter, Gauge, LabelsOf } from '#runtime/metrics';
import type { TcpScope } from '../tcp/index.ts';
import { Bindings } from './bindings.ts';
import type { Metrics } from './labels.ts';
import { Stack } from './stack.ts';

export type TcpLabels = LabelsOf<ProxyMetrics, 'tcp_open_total'>;

/** Counts connections of one label set. */
export class TcpCounters implements TcpScope {
  readonly #bindings: Bindings;
  readonly #labels: TcpLabels;
  readonly #stack: Stack;
  readonly #opened: Counter;
  readonly #open: Gauge;
  readonly #read: Counter;
  readonly #written: Counter;
  readonly #closed = new Map<string, Counter>();
  readonly #cost: TransferCost | undefined;

  /** `cost`: where bytes of the same connections are counted by zone. */
  constructor(metrics: Metrics, labels: TcpLabels, cost?: TransferCost) {
    const bindings = new Bindings(metrics);
    this.#bindings = bindings;
    this.#labels = labels;
    this.#cost = cost;
    this.#stack = new Stack(metrics, labels.direction ?? '', 'tcp', labels.peer === 'src' ? 'source' : 'endpoint');
    this.#opened = bindings.counter('tcp_open_total', labels);
    this.#open = bindings.gauge('tcp_open_connections', labels);
    this.#read = bindings.counter('tcp_read_bytes_total', labels);
    this.#written = bindings.counter('tcp_write_bytes_total', labels);
  }

  opened(): void {
    this.#opened.inc();
    this.#open.inc();
  }
  read(bytes: number): void {
    this.#read.add(bytes);
    this.#cost?.received.add(bytes);
  }
  wrote(bytes: number): void {
    this.#written.add(bytes);
    this.#cost?.sent.add(bytes);
  }
  closed(errno: string): void {
    this.#open.dec();
    let cell = this.#closed.get(errno);
    if (!cell) {
      cell = this.#bindings.counter('tcp_close_total', { ...this.#labels, errno });
      this.#closed.set(errno, cell);
    }
    cell.inc();
  }

  /** Nobody counts into it any more. */
  release(): void {
    this.#bindings.release();
    this.#stack.drop();
  }
}

/** Bytes exchanged with endpoints of one locality. */
export interface TransferCost {
  readonly sent: Counter;
  readonly received: Counter;
}

const LOCALITIES = { local: 'Local', remote: 'Remote', unknown: 'Unknown' } as const;

/** outbound_tcp_transfer_cost_bytes_total for endpoints that are in the proxy's zone, in another one, or nobody knows where. */
export function transferCost(metrics: Metrics, locality: keyof typeof LOCALITIES): TransferCost {
  const zone_locality = LOCALITIES[locality];
  return {
    sent: metrics.counter('outbound_tcp_transfer_cost_bytes_total', { op: 'Send', zone_locality }),
    received: metrics.counter('outbound_tcp_transfer_cost_bytes_total', { op: 'Recv', zone_locality }),
  };
}
