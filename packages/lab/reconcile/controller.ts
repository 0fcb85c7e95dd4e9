import type { Gvr } from '#api/kube';
import type { Clock } from '#runtime/clock';
import { type ClusterClient, hasCause, hasReason } from '../contract/index.ts';
import type { CacheReader, Caches, Change } from './cache.ts';
import { EventRecorder } from './events.ts';
import type { Plan } from './plan.ts';
import { type RunResult, WorkQueue } from './queue.ts';
import { Writer } from './writer.ts';

/** Which keys a change of one resource wakes. */
export interface Trigger {
  gvr: Gvr;
  keys(change: Change, caches: CacheReader): Iterable<string>;
}

/**
 * A controller: gathers what one key needs to know, decides without side effects, and lets the runner act. Level-triggered: a
 * key may be reconciled at any time, and reconciling twice changes nothing.
 */
export interface Controller<Observed> {
  /** E.g. `deployment-controller`: names its service account and the source of its events. */
  readonly name: string;
  readonly triggers: readonly Trigger[];
  /** Another source of keys, for what triggers cannot say; called once at the start, returns a stop function. */
  subscribe?(wake: (key: string) => void): () => void;
  readonly concurrency?: number;
  /** Reads caches (or, where a cache may lag and that matters, the server). Undefined: the object is gone, nothing to do. */
  observe(
    key: string,
    caches: CacheReader,
    client: ClusterClient,
  ): Observed | undefined | Promise<Observed | undefined>;
  /** Pure. */
  reconcile(observed: Observed, nowMs: number): Plan;
}

export interface RunnerDeps {
  client: ClusterClient;
  caches: Caches;
  clock: Clock;
  /** Told of every failure that will be retried. */
  onFailure(controller: string, key: string, error: unknown): void;
}

/** A controller at work. */
export interface Running {
  /** Looks at a key now, as after a change. */
  wake(key: string): void;
  readonly idle: boolean;
  stop(): void;
}

/** Starts a controller: subscribes to its resources, waits for the first full lists, then works through its queue. */
export function runController<Observed>(controller: Controller<Observed>, deps: RunnerDeps): Running {
  const { caches, clock } = deps;
  const client = deps.client.as(identityOf(controller.name));
  const events = new EventRecorder(client, clock, controller.name);
  const eventLost = (error: unknown): void => deps.onFailure(controller.name, 'event', error);
  const writer = new Writer({ client, caches, clock, events, eventLost });
  let stopped = false;
  let synced = false;
  const early = new Set<string>();

  async function run(key: string): Promise<RunResult> {
    try {
      const observed = await controller.observe(key, caches, client);
      if (observed === undefined || stopped) return undefined;
      const plan = controller.reconcile(observed, clock.wallMs());
      await writer.all(plan.writes);
      return plan.againInMs === undefined ? undefined : { again: { afterMs: plan.againInMs } };
    } catch (error) {
      return afterFailure(key, error);
    }
  }

  function afterFailure(key: string, error: unknown): RunResult {
    if (stopped || hasCause(error, 'NamespaceTerminating')) return undefined;
    const stale = hasReason(error, 'Conflict', 'NotFound', 'AlreadyExists');
    if (!stale) deps.onFailure(controller.name, key, error);
    return { again: 'failed' };
  }

  const { concurrency } = controller;
  const queue = new WorkQueue({ clock, run, ...(concurrency !== undefined && { concurrency }) });
  const wake = (key: string): void => void (synced ? queue.add(key) : early.add(key));
  const stops = controller.triggers.map((trigger) =>
    caches.subscribe(trigger.gvr, (change) => {
      for (const key of trigger.keys(change, caches)) wake(key);
    }),
  );
  const stopSource = controller.subscribe?.(wake);
  if (stopSource) stops.push(stopSource);
  void caches.synced().then(() => {
    synced = true;
    for (const key of early) queue.add(key);
    early.clear();
  });
  return {
    wake,
    get idle() {
      return synced && queue.idle;
    },
    stop() {
      stopped = true;
      for (const stop of stops) stop();
      queue.stop();
    },
  };
}

/** Controllers act as their service account in kube-system, with the lab's administrator group. */
function identityOf(name: string): { name: string; groups: readonly string[]; fieldManager: string } {
  return {
    name: `system:serviceaccount:kube-system:${name}`,
    groups: ['system:serviceaccounts', 'system:serviceaccounts:kube-system', 'system:authenticated', 'system:masters'],
    fieldManager: 'kube-controller-manager',
  };
}
