import { EVENTS, type KubeObject } from '#api/kube';
import type { Clock } from '#runtime/clock';
import type { ClusterClient } from '../contract/index.ts';
import { hasCause, hasReason } from '../contract/index.ts';
import { formatTime, type KubeEvent } from '../kinds/index.ts';
import { LIMITS } from './limits.ts';
import type { EventNote } from './plan.ts';

interface Series {
  name: string;
  namespace: string;
  count: number;
  writtenAtMs: number;
}

/** Writes events for one component; equal ones become one Event with a count, rewritten at most every two seconds. */
export class EventRecorder {
  private readonly client: ClusterClient;
  private readonly clock: Clock;
  private readonly component: string;
  private readonly series = new Map<string, Series>();
  private sequence = 0;

  constructor(client: ClusterClient, clock: Clock, component: string) {
    this.client = client;
    this.clock = clock;
    this.component = component;
  }

  /**
   * Records the event. Rejects only with what the API server answered; events are best effort, so callers may ignore it. In a
   * namespace that is being deleted nothing is recorded.
   */
  async record(note: EventNote): Promise<void> {
    try {
      await this.write(note);
    } catch (error) {
      if (!hasCause(error, 'NamespaceTerminating')) throw error;
    }
  }

  private async write(note: EventNote): Promise<void> {
    const message = note.message.slice(0, LIMITS.eventMessageCharsMax);
    const key = [note.about.uid ?? note.about.name, note.about.fieldPath, note.type, note.reason, message].join(
      '\u0000',
    );
    const known = this.series.get(key);
    if (known && (await this.repeat(known))) return;
    const series = await this.first(note, message);
    this.series.delete(key);
    this.series.set(key, series);
    const [oldest] = this.series.keys();
    if (this.series.size > LIMITS.eventSeriesMax) this.series.delete(oldest ?? '');
  }

  private async repeat(series: Series): Promise<boolean> {
    const nowMs = this.clock.wallMs();
    series.count++;
    if (nowMs - series.writtenAtMs < LIMITS.eventRepeatMs) return true;
    series.writtenAtMs = nowMs;
    try {
      const merge = { count: series.count, lastTimestamp: formatTime(nowMs) };
      await this.client.patch(EVENTS, series, { type: 'merge', body: merge });
      return true;
    } catch (error) {
      if (hasReason(error, 'NotFound')) return false;
      throw error;
    }
  }

  private async first(note: EventNote, message: string): Promise<Series> {
    const nowMs = this.clock.wallMs();
    const now = formatTime(nowMs);
    const namespace = note.about.namespace ?? 'default';
    const unique = (BigInt(nowMs) * 1_000_000n + BigInt(this.sequence++ % 1_000_000)).toString(16);
    const event: KubeEvent & KubeObject = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: `${note.about.name}.${unique}`, namespace },
      involvedObject: note.about,
      reason: note.reason,
      message,
      type: note.type,
      count: 1,
      firstTimestamp: now,
      lastTimestamp: now,
      source: { component: this.component },
      reportingComponent: this.component,
      reportingInstance: '',
    };
    const created = await this.client.create(EVENTS, event);
    return { name: created.metadata.name ?? '', namespace, count: 1, writtenAtMs: nowMs };
  }
}
