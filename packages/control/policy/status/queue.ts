/** Statuses on their way to the API server: a bounded number wait, a few are written at a time. */
import { isConflict, isNotFound, type KubeClient } from '#kube/client';
import type { Clock } from '#runtime/clock';
import type { Log } from '#runtime/log';
import type { ControlMetrics } from '../../process/index.ts';
import type { WantedStatus } from './wanted.ts';

/** Objects whose statuses wait; more are found again by the next look at all objects. As many as Linkerd's. */
const WAITING_MAX = 10_000;
/** Writes under way together: enough not to wait for one slow answer, few enough to leave the API server to others. */
const WRITES_AT_ONCE = 4;
/** As the API server shows the owner of fields; Linkerd's name. */
const FIELD_MANAGER = 'policy-controller';

export interface QueueDeps {
  kube: Pick<KubeClient, 'patch'>;
  clock: Clock;
  metrics: ControlMetrics;
  log: Log;
}

/** One write that was begun: the same is not begun again before the watch has shown what came of it. */
interface Begun {
  resourceVersion: string | undefined;
  content: string;
}

export class StatusQueue {
  readonly #deps: QueueDeps;
  readonly #timeoutMs: number;
  readonly #waitingMax: number;
  readonly #waiting = new Map<string, WantedStatus>();
  readonly #begun = new Map<string, Begun>();
  readonly #writing = new Set<string>();
  #lastFailure: string | undefined;

  constructor(deps: QueueDeps, { timeoutMs, waitingMax = WAITING_MAX }: { timeoutMs: number; waitingMax?: number }) {
    this.#deps = deps;
    this.#timeoutMs = timeoutMs;
    this.#waitingMax = waitingMax;
  }

  /** `all` are the statuses that are wanted now; whatever waited and is no longer among them is not written. */
  replace(all: Iterable<WantedStatus>): void {
    const keys = new Set<string>();
    for (const wanted of all) {
      const key = keyOf(wanted);
      keys.add(key);
      this.#offer(key, wanted);
    }
    for (const key of this.#waiting.keys()) if (!keys.has(key)) this.#take(key);
    for (const key of this.#begun.keys()) if (!keys.has(key) && !this.#writing.has(key)) this.#begun.delete(key);
    this.#pump();
  }

  /** Somebody else writes from now on; what is under way is let finish. */
  drop(): void {
    this.#counter('resource_status_patch_drops_total').add(this.#waiting.size);
    for (const key of this.#waiting.keys()) this.#take(key);
    this.#begun.clear();
  }

  #offer(key: string, wanted: WantedStatus): void {
    const begun = this.#begun.get(key);
    if (begun && begun.resourceVersion === wanted.resourceVersion && begun.content === contentOf(wanted)) return;
    if (!this.#waiting.has(key)) {
      if (this.#waiting.size >= this.#waitingMax) {
        this.#counter('resource_status_patch_enqueue_overflows_total').inc();
        return;
      }
      this.#counter('resource_status_patch_enqueues_total').inc();
    }
    this.#waiting.set(key, wanted);
  }

  #take(key: string): WantedStatus | undefined {
    const wanted = this.#waiting.get(key);
    if (this.#waiting.delete(key)) this.#counter('resource_status_patch_dequeues_total').inc();
    return wanted;
  }

  #pump(): void {
    for (const key of this.#waiting.keys()) {
      if (this.#writing.size >= WRITES_AT_ONCE) return;
      if (this.#writing.has(key)) continue;
      const wanted = this.#take(key);
      if (wanted) void this.#write(key, wanted);
    }
  }

  async #write(key: string, wanted: WantedStatus): Promise<void> {
    const { clock } = this.#deps;
    this.#writing.add(key);
    this.#begun.set(key, { resourceVersion: wanted.resourceVersion, content: contentOf(wanted) });
    const startMs = clock.nowMs();
    try {
      await this.#patch(wanted);
      this.#counter('resource_status_patches_total').inc();
      this.#deps.metrics
        .histogram('resource_status_patch_duration_seconds', {})
        .observe((clock.nowMs() - startMs) / 1000);
      this.#lastFailure = undefined;
    } catch (error) {
      this.#begun.delete(key);
      this.#failed(wanted, error as Error);
    }
    this.#writing.delete(key);
    this.#pump();
  }

  /** Rejects with {@link TimedOut} when no answer came in time; a later one is not waited for. */
  #patch({ gvr, namespace, name, resourceVersion, status }: WantedStatus): Promise<unknown> {
    const { kube, clock } = this.#deps;
    const metadata = resourceVersion === undefined ? {} : { metadata: { resourceVersion } };
    return new Promise((resolve, reject) => {
      const timer = clock.after(this.#timeoutMs, () => reject(new TimedOut(`no answer within ${this.#timeoutMs} ms`)));
      kube
        .patch(
          gvr,
          { namespace, name },
          { type: 'merge', subresource: 'status', fieldManager: FIELD_MANAGER, body: { ...metadata, status } },
        )
        .then(resolve, reject)
        .finally(() => timer.cancel());
    });
  }

  #failed({ gvr, namespace, name }: WantedStatus, error: Error): void {
    const { log } = this.#deps;
    const timedOut = error instanceof TimedOut;
    this.#counter(timedOut ? 'resource_status_patch_timeouts_total' : 'resource_status_patch_api_errors_total').inc();
    const about = { resource: gvr.resource, object: `${namespace}/${name}`, error: error.message };
    // Changed or gone in the meantime: the watch brings what there is now.
    if (isConflict(error) || isNotFound(error)) log.debug('a status was not written', about);
    else if (error.message !== this.#lastFailure) log.warn('cannot write a status', about);
    this.#lastFailure = error.message;
  }

  #counter(name: StatusCounter) {
    return this.#deps.metrics.counter(name, {});
  }
}

type StatusCounter =
  `resource_status_${'patches' | 'patch_api_errors' | 'patch_timeouts' | 'patch_enqueues' | 'patch_dequeues' | 'patch_drops' | 'patch_enqueue_overflows'}_total`;

class TimedOut extends Error {}

const keyOf = ({ gvr, namespace, name }: WantedStatus): string => `${gvr.resource}.${gvr.group}/${namespace}/${name}`;

/** Without the times, which differ each time one looks. */
function contentOf({ status }: WantedStatus): string {
  return JSON.stringify(status, (key, value: unknown) => (key === 'lastTransitionTime' ? undefined : value));
}
