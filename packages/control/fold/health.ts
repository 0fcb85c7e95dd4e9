/** Whether watches go on, as metrics: how often they failed and began anew, and since when one is lost. */
import { isNotFound, type WatchSink } from '#kube/client';
import type { Clock } from '#runtime/clock';
import type { Gauge } from '#runtime/metrics';
import type { ControlMetrics } from '../process/index.ts';

/** A watch that is followed. */
interface Watch {
  readonly lostSeconds: Gauge;
  /** When it failed first without having gone on since. */
  lostAtMs: number | undefined;
}

const FAMILIES = ['kube_watch_failures_total', 'kube_watch_lists_total', 'kube_watch_lost_seconds'] as const;

/** One for all watches of a process: those of one resource share its series. */
export class WatchHealth {
  readonly #metrics: ControlMetrics;
  readonly #clock: Pick<Clock, 'nowMs'>;
  readonly #watches = new Set<Watch>();

  constructor(metrics: ControlMetrics, clock: Pick<Clock, 'nowMs'>) {
    this.#metrics = metrics;
    this.#clock = clock;
    metrics.onCollect(() => this.#collect());
  }

  /** `sink`, with what becomes of its watch counted under the name of the cluster (`local`: the own one). `stop`: it has ended. */
  note<T>(cluster: string, resource: string, sink: WatchSink<T>): { sink: WatchSink<T>; stop(): void } {
    const labels = { cluster, resource };
    const failures = this.#metrics.counter('kube_watch_failures_total', labels);
    const lists = this.#metrics.counter('kube_watch_lists_total', labels);
    const lostSeconds = this.#metrics.gauge('kube_watch_lost_seconds', labels);
    const watch: Watch = { lostSeconds, lostAtMs: undefined };
    this.#watches.add(watch);
    return {
      sink: {
        ...sink,
        reset(objects) {
          lists.inc();
          sink.reset(objects);
        },
        failed: (failure) => {
          // What a cluster does not serve has no objects that could be missed.
          if (isNotFound(failure.error)) watch.lostAtMs = undefined;
          else {
            failures.inc();
            watch.lostAtMs ??= this.#clock.nowMs();
          }
          sink.failed?.(failure);
        },
        recovered() {
          watch.lostAtMs = undefined;
          sink.recovered?.();
        },
      },
      stop: () => {
        if (!this.#watches.delete(watch)) return;
        lostSeconds.set(0);
        for (const name of FAMILIES) this.#metrics.release(name, labels);
      },
    };
  }

  /** Of two watches of a resource, the one that has been lost for longer counts. */
  #collect(): void {
    const lost = new Map<Gauge, number>();
    for (const { lostSeconds, lostAtMs } of this.#watches) {
      const seconds = lostAtMs === undefined ? 0 : (this.#clock.nowMs() - lostAtMs) / 1000;
      lost.set(lostSeconds, Math.max(seconds, lost.get(lostSeconds) ?? 0));
    }
    for (const [gauge, seconds] of lost) gauge.set(seconds);
  }
}
