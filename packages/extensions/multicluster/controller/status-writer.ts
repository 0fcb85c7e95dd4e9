import { isNotFound, type KubeClient } from '#kube/client';
import type { Clock, Timer } from '#runtime/clock';
import type { Log } from '#runtime/log';
import { timeText } from '../credentials/index.ts';
import { isOnlyCounts, LINKS, type Link, statusPatch, type WantedStatus } from '../link/index.ts';
import { LIMITS } from './limits.ts';

export interface StatusWriterDeps {
  client: Pick<KubeClient, 'patch'>;
  clock: Clock;
  log: Log;
  /** The Link as it was last seen. */
  current(): Link | undefined;
  /** The Link before a write, and after it. */
  written(before: Link | undefined, after: Link): void;
}

/**
 * Keeps the status of one Link as it should be. What changed is written at once; when only numbers did, not more often than
 * {@link LIMITS.statusCountsMs}; and nothing more often than {@link LIMITS.statusWritesMax} times in {@link LIMITS.statusWindowMs}.
 */
export class StatusWriter {
  readonly #deps: StatusWriterDeps;
  readonly #ref: { name: string; namespace: string };
  /** What it should say now; undefined: there is no Link to say it in. */
  #say: (() => WantedStatus) | undefined;
  /** When the last writes were, the newest last. */
  #writesMs: number[] = [];
  /** What the server took and did not keep: a definition from elsewhere does not know all of it. */
  #dropped: string | undefined;
  #timer: Timer | undefined;
  #dueMs = Number.POSITIVE_INFINITY;

  constructor(deps: StatusWriterDeps, ref: { name: string; namespace: string }) {
    this.#deps = deps;
    this.#ref = ref;
  }

  /** From now on the status says this. Rejects when a write that is due now fails. */
  put(say: () => WantedStatus): Promise<void> {
    this.#say = say;
    return this.#flush();
  }

  /** Numbers may have changed. */
  nudge(): void {
    if (this.#say) this.#schedule(LIMITS.statusSettleMs);
  }

  /** There is nothing to say until the next {@link put}. */
  stop(): void {
    this.#say = undefined;
    this.#timer?.cancel();
    this.#dueMs = Number.POSITIVE_INFINITY;
  }

  async #flush(): Promise<void> {
    if (!this.#say) return;
    const { client, clock, current, written } = this.#deps;
    const before = current();
    const body = statusPatch(before?.status, this.#say(), timeText(clock.wallMs()));
    if (!body || JSON.stringify(body) === this.#dropped) return;
    const waitMs = this.#waitMs(isOnlyCounts(before?.status, body));
    if (waitMs > 0) {
      this.#schedule(waitMs);
      return;
    }
    this.#writesMs = [...this.#writesMs, clock.nowMs()].slice(-LIMITS.statusWritesMax);
    try {
      const after = await client.patch<Link>(LINKS, this.#ref, { type: 'merge', body, subresource: 'status' });
      const isDropped = after.metadata.resourceVersion === before?.metadata.resourceVersion;
      this.#dropped = isDropped ? JSON.stringify(body) : undefined;
      written(before, after);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  #waitMs(onlyCounts: boolean): number {
    const nowMs = this.#deps.clock.nowMs();
    const last = this.#writesMs.at(-1);
    const countsMs = onlyCounts && last !== undefined ? last + LIMITS.statusCountsMs - nowMs : 0;
    const [first] = this.#writesMs;
    const isFull = this.#writesMs.length >= LIMITS.statusWritesMax;
    return Math.max(countsMs, isFull && first !== undefined ? first + LIMITS.statusWindowMs - nowMs : 0);
  }

  /** Looks again then, or sooner if that was to be. */
  #schedule(delayMs: number): void {
    const { clock, log } = this.#deps;
    const dueMs = clock.nowMs() + delayMs;
    if (dueMs >= this.#dueMs) return;
    this.#timer?.cancel();
    this.#dueMs = dueMs;
    this.#timer = clock.after(delayMs, () => {
      this.#dueMs = Number.POSITIVE_INFINITY;
      this.#flush().catch((error: Error) => {
        log.warn('cannot write the status of the Link', { error: error.message });
        this.#schedule(LIMITS.statusCountsMs);
      });
    });
  }
}
