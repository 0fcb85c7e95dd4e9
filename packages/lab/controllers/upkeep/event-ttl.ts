import { GVRS, type KubeEvent, parseTime } from '../../kinds/index.ts';
import { type Controller, refOf } from '../../reconcile/index.ts';

/** Life of an event after it was last seen: one hour, as Kubernetes keeps them. */
export const EVENT_TTL_MS = 3_600_000;

export interface EventObserved {
  event: KubeEvent;
}

/** Deletes each event an hour after it was last seen. */
export const eventTtlController: Controller<EventObserved> = {
  name: 'event-ttl-controller',
  triggers: [{ gvr: GVRS.events, keys: ({ now, old }) => (now && !old ? [refOf(now)] : []) }],
  observe(key, caches) {
    const event = caches.of<KubeEvent>(GVRS.events).byRef(key);
    return event && { event };
  },
  reconcile({ event }, nowMs) {
    const leftMs = lastSeenMs(event) + EVENT_TTL_MS - nowMs;
    return leftMs > 0
      ? { writes: [], againInMs: leftMs }
      : { writes: [{ verb: 'delete', gvr: GVRS.events, object: event }] };
  },
};

function lastSeenMs({ metadata, lastTimestamp, eventTime, series }: KubeEvent): number {
  const times = [metadata.creationTimestamp, lastTimestamp, eventTime, series?.lastObservedTime];
  return Math.max(0, ...times.map((time) => parseTime(time) ?? 0));
}
