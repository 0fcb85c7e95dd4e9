import { NEW_EVENTS, PODS, type Pod } from '#api/kube';
import { isConflict, isNotFound, type KubeClient } from '#kube/client';
import type { Log } from '#runtime/log';
import type { ControlMetrics } from '../process/index.ts';

/** Exit code of a validator that was not redirected. */
const NOT_REDIRECTED = 95;
const VALIDATOR = 'linkerd-network-validator';
const CONTROLLER = 'linkerd-cni-repair-controller';
/** Pods that wait for their deletion. A pod that finds no room comes again when its validator fails the next time. */
const QUEUE_MAX = 32;
/** A deletion that takes longer counts as timed out; the pod comes again like that, too. */
const DELETE_MS_MAX = 10_000;

/** Whether a pod's last start failed because its connections were not redirected. */
export function isUnmeshed({ metadata, status }: Pod): boolean {
  if (metadata.deletionTimestamp) return false;
  const validator = status?.initContainerStatuses?.find(({ name }) => name === VALIDATOR);
  return validator?.lastState?.terminated?.exitCode === NOT_REDIRECTED;
}

export interface RepairDeps {
  kube: Pick<KubeClient, 'delete' | 'create'>;
  metrics: ControlMetrics;
  log: Log;
  /** Wall clock, for events. */
  wallMs(): number;
  /** Monotonic, for latencies. */
  nowMs(): number;
  /** Name of the controller's own pod, for events. */
  instance: string;
}

/** Takes pods as they change; `idle` resolves when nothing waits. */
export function createRepair(deps: RepairDeps): { saw(pod: Pod): void; idle(): Promise<void> } {
  const { metrics, log } = deps;
  const waiting: Pod[] = [];
  const known = new Set<string>();
  let working: Promise<void> | undefined;
  const work = async (): Promise<void> => {
    for (let pod = waiting.shift(); pod; pod = waiting.shift()) {
      await repair(pod, deps);
      known.delete(pod.metadata.uid ?? '');
    }
    working = undefined;
  };
  return {
    saw(pod) {
      const uid = pod.metadata.uid ?? '';
      if (!isUnmeshed(pod) || known.has(uid)) return;
      if (waiting.length >= QUEUE_MAX) {
        metrics.counter('linkerd_cni_repair_controller_queue_overflow_total', {}).inc();
        log.warn('too many pods to repair at once', { pod: `${pod.metadata.namespace}/${pod.metadata.name}` });
        return;
      }
      known.add(uid);
      waiting.push(pod);
      working ??= work();
    },
    idle: async () => working,
  };
}

async function repair(pod: Pod, deps: RepairDeps): Promise<void> {
  const { kube, metrics, log, nowMs } = deps;
  const { name = '', namespace = '', uid = '' } = pod.metadata;
  const startedMs = nowMs();
  try {
    const deleted = kube.delete(PODS, { name, namespace }, { gracePeriodSeconds: 0, preconditions: { uid } });
    if ((await within(deleted, DELETE_MS_MAX)) === 'late') {
      metrics.counter('linkerd_cni_repair_controller_pods_delete_timeouts_total', {}).inc();
      log.warn('deleting a pod took too long', { pod: `${namespace}/${name}` });
      return;
    }
  } catch (error) {
    if (isNotFound(error) || isConflict(error)) return; // it is gone, or another one has its name
    metrics.counter('linkerd_cni_repair_controller_pods_delete_errors_total', {}).inc();
    log.warn('cannot delete a pod', { pod: `${namespace}/${name}`, error: (error as Error).message });
    return;
  }
  metrics.counter('linkerd_cni_repair_controller_pods_deleted_total', {}).inc();
  metrics
    .histogram('linkerd_cni_repair_controller_pods_delete_latency_seconds', {})
    .observe((nowMs() - startedMs) / 1000);
  log.info('deleted a pod that started before the CNI plug-in', { pod: `${namespace}/${name}` });
  await tell(pod, deps);
}

async function within(done: Promise<void>, limitMs: number): Promise<'done' | 'late'> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), limitMs);
  });
  try {
    return await Promise.race([done.then(() => 'done' as const), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Best effort: the repair does not depend on its event. */
async function tell({ metadata }: Pod, { kube, log, wallMs, instance }: RepairDeps): Promise<void> {
  const { name = '', namespace = '', uid = '', resourceVersion = '' } = metadata;
  try {
    await kube.create(NEW_EVENTS, {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { generateName: `${name}-`, namespace },
      eventTime: new Date(wallMs()).toISOString().replace(/(\.\d{3})Z$/, '$1000Z'),
      type: 'Normal',
      reason: 'LinkerdCNINotConfigured',
      action: 'Deleting',
      reportingController: CONTROLLER,
      reportingInstance: instance,
      regarding: { apiVersion: 'v1', kind: 'Pod', name, namespace, uid, resourceVersion },
      note: 'Deleting pod to create a new one with proper CNI config',
    } as never);
  } catch (error) {
    log.warn('cannot record an event', { pod: `${namespace}/${name}`, error: (error as Error).message });
  }
}
