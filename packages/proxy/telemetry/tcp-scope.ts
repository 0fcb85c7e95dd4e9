import type { ProxyMetrics } from '#model/metrics';
import type { Counter, Gauge, LabelsOf } from '#runtime/metrics';
import type { TcpScope } from '../tcp/index.ts';
import type { Metrics } from './labels.ts';

export type TcpLabels = LabelsOf<ProxyMetrics, 'tcp_open_total'>;

/** Counts connections of one label set. */
export class TcpCounters implements TcpScope {
  readonly #metrics: Metrics;
  readonly #labels: TcpLabels;
  readonly #opened: Counter;
  readonly #open: Gauge;
  readonly #read: Counter;
  readonly #written: Counter;
  readonly #closed = new Map<string, Counter>();

  constructor(metrics: Metrics, labels: TcpLabels) {
    this.#metrics = metrics;
    this.#labels = labels;
    this.#opened = metrics.counter('tcp_open_total', labels);
    this.#open = metrics.gauge('tcp_open_connections', labels);
    this.#read = metrics.counter('tcp_read_bytes_total', labels);
    this.#written = metrics.counter('tcp_write_bytes_total', labels);
  }

  opened(): void {
    this.#opened.inc();
    this.#open.inc();
  }
  read(bytes: number): void {
    this.#read.add(bytes);
  }
  wrote(bytes: number): void {
    this.#written.add(bytes);
  }
  closed(errno: string): void {
    this.#open.dec();
    let cell = this.#closed.get(errno);
    if (!cell) {
      cell = this.#metrics.counter('tcp_close_total', { ...this.#labels, errno });
      this.#closed.set(errno, cell);
    }
    cell.inc();
  }

  /** Nobody counts into it any more. */
  release(): void {
    for (const name of [
      'tcp_open_total',
      'tcp_open_connections',
      'tcp_read_bytes_total',
      'tcp_write_bytes_total',
    ] as const)
      this.#metrics.release(name, this.#labels);
    for (const errno of this.#closed.keys()) this.#metrics.release('tcp_close_total', { ...this.#labels, errno });
  }
}
