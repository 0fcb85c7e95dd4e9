import { EVENTS, type KubeObject } from '#api/kube';
import type { KubeClient } from '#kube/client';
import type { Clock } from '#runtime/clock';
import type { Log } from '#runtime/log';

export interface EventText {
  type: 'Normal' | 'Warning';
  reason: string;
  message: string;
}

/** The object that an event is about. */
export interface About {
  apiVersion: string;
  kind: string;
  name: string;
  namespace: string;
  uid?: string;
}

export interface EventDeps {
  clock: Clock;
  log: Log;
  /** Name of who tells. */
  component: string;
}

/** Records an event beside the object. Best effort: a cluster that does not take it loses nothing but the event. */
export function recordEvent(
  client: Pick<KubeClient, 'create'>,
  about: About,
  { type, reason, message }: EventText,
  { clock, log, component }: EventDeps,
): void {
  const time = new Date(clock.wallMs()).toISOString().replace(/\.\d+Z$/, 'Z');
  const event = {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { generateName: `${about.name}.`, namespace: about.namespace },
    involvedObject: { ...about },
    type,
    reason,
    message,
    source: { component },
    firstTimestamp: time,
    lastTimestamp: time,
    count: 1,
  };
  client
    .create<KubeObject>(EVENTS, event)
    .catch((error: Error) => log.debug('cannot record an event', { error: error.message }));
}
