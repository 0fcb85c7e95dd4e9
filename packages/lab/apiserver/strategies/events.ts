import type { AnyObject } from '#api/kube';
import type { Store } from '#lab/store';
import { EVENT_SWEEP_INTERVAL_MS, EVENT_TTL_MS } from '../limits.ts';
import type { Strategy } from '../resource.ts';

const EVENTS = '/events';

/** Events: gone an hour after they were last written. Sweeps ride on new events, so a quiet cluster needs no timer. */
export function eventStrategy(store: Store, nowMs: () => number): Strategy {
  let sweptAtMs = nowMs();
  return {
    createOnUpdate: true,
    written: () => {
      const now = nowMs();
      if (now - sweptAtMs < EVENT_SWEEP_INTERVAL_MS) return;
      sweptAtMs = now;
      for (const { object, revision } of store.list(EVENTS)) {
        if (now - lastSeenMs(object) < EVENT_TTL_MS) continue;
        const { namespace, name = '' } = object.metadata;
        store.delete(EVENTS, { namespace, name }, revision);
      }
    },
  };
}

function lastSeenMs(event: AnyObject): number {
  const { lastTimestamp, eventTime, series } = event as AnyObject & {
    lastTimestamp?: string | null;
    eventTime?: string | null;
    series?: { lastObservedTime?: string } | null;
  };
  const times = [series?.lastObservedTime, lastTimestamp, eventTime, event.metadata.creationTimestamp];
  return Math.max(...times.map((time) => (time ? Date.parse(time) : 0)));
}
