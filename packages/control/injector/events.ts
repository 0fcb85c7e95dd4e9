/** Kubernetes events on the owners of pods. Best effort: a failure is logged and nothing waits for one. */
import type { Gvr, KubeObject } from '#api/kube';
import type { KubeClient } from '#kube/client';
import type { Log } from '#runtime/log';

export interface EventSubject {
  kind: string;
  apiVersion: string;
  name: string;
  namespace: string;
  /** `kubectl describe` finds events by it. */
  uid: string;
}

export interface InjectorEvents {
  injected(owner: EventSubject | undefined): void;
  skipped(owner: EventSubject | undefined, reasons: string): void;
}

const EVENTS: Gvr = { group: '', version: 'v1', resource: 'events' };
/** Events under way at once; further ones are dropped. */
const PENDING_MAX = 64;

/** Writes events to the API server. */
export function createInjectorEvents(kube: Pick<KubeClient, 'create'>, log: Log, wallMs: () => number): InjectorEvents {
  let pending = 0;
  const record = (owner: EventSubject | undefined, reason: string, message: string) => {
    if (!owner || pending >= PENDING_MAX) return;
    pending += 1;
    const time = new Date(wallMs()).toISOString().replace(/\.\d+Z$/, 'Z');
    const event = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { generateName: `${owner.name}.`, namespace: owner.namespace },
      involvedObject: owner,
      type: 'Normal',
      reason,
      message,
      source: { component: 'linkerd-proxy-injector' },
      firstTimestamp: time,
      lastTimestamp: time,
      count: 1,
    } as KubeObject;
    kube
      .create(EVENTS, event)
      .catch((error: Error) => log.debug('cannot record an event', { reason, error: error.message }))
      .finally(() => {
        pending -= 1;
      });
  };
  return {
    injected: (owner) => record(owner, 'Injected', 'Linkerd sidecar proxy injected'),
    skipped: (owner, reasons) =>
      record(owner, 'InjectionSkipped', `Linkerd sidecar proxy injection skipped: ${reasons}`),
  };
}
