import type { ContainerState, ContainerStatus, Pod, PodCondition } from '#api/kube';
import { timestampAge } from './age.ts';
import { ageOf, NONE, nameOf, printer } from './printer.ts';

const isTrue = (conditions: readonly PodCondition[] | undefined, type: string): boolean =>
  conditions?.some((condition) => condition.type === type && condition.status === 'True') ?? false;

/** What the Status, Ready and Restarts cells say. */
export interface PodSummary {
  /** Phase, or what keeps the pod from being simply in it: `Init:0/2`, `CrashLoopBackOff`, `Terminating`. */
  readonly status: string;
  readonly ready: number;
  readonly total: number;
  readonly restarts: number;
  /** When a container last ended before a restart; undefined where none did. */
  readonly lastRestart: string | undefined;
}

/** Folds the states of all containers into the few words that `kubectl get pods` has room for. */
export function summarizePod(pod: Pod): PodSummary {
  const tally = new Tally();
  const sidecars = new Set(
    (pod.spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always').map(({ name }) => name),
  );
  const total = (pod.spec?.containers?.length ?? 0) + sidecars.size;
  const init = initStatus(pod, sidecars, tally);
  let status = init ?? initialStatus(pod);
  if (init === undefined || isTrue(pod.status?.conditions, 'Initialized')) {
    tally.forgetFinished();
    status = mainStatus(pod, status, tally);
  }
  return {
    status: pod.metadata.deletionTimestamp ? terminating(pod, status) : status,
    ready: tally.ready,
    total,
    restarts: tally.restarts,
    lastRestart: tally.lastRestart,
  };
}

/** Counts over containers. Restarts of init containers that have finished stop counting once the pod is initialized. */
class Tally {
  ready = 0;
  restarts = 0;
  lastRestart: string | undefined;
  #sidecarRestarts = 0;
  #lastSidecarRestart: string | undefined;

  add({ restartCount, lastState }: ContainerStatus, sidecar: boolean): void {
    const endedAt = lastState?.terminated?.finishedAt;
    this.restarts += restartCount;
    this.lastRestart = later(this.lastRestart, endedAt);
    if (!sidecar) return;
    this.#sidecarRestarts += restartCount;
    this.#lastSidecarRestart = later(this.#lastSidecarRestart, endedAt);
  }

  forgetFinished(): void {
    this.restarts = this.#sidecarRestarts;
    this.lastRestart = this.#lastSidecarRestart;
  }
}

const later = (a: string | undefined, b: string | undefined) => (a === undefined || (b !== undefined && b > a) ? b : a);

function initialStatus({ status = {} }: Pod): string {
  const gated = status.conditions?.some(({ type, reason }) => type === 'PodScheduled' && reason === 'SchedulingGated');
  return gated ? 'SchedulingGated' : status.reason || status.phase || '';
}

/** The first init container that is not done decides; undefined when all are. */
function initStatus(pod: Pod, sidecars: ReadonlySet<string>, tally: Tally): string | undefined {
  const total = pod.spec?.initContainers?.length ?? 0;
  for (const [at, container] of (pod.status?.initContainerStatuses ?? []).entries()) {
    const sidecar = sidecars.has(container.name);
    tally.add(container, sidecar);
    const { terminated, waiting } = container.state ?? {};
    if (terminated?.exitCode === 0) continue;
    if (sidecar && container.started) {
      if (container.ready) tally.ready++;
      continue;
    }
    if (terminated) return `Init:${endReason(terminated)}`;
    if (waiting?.reason && waiting.reason !== 'PodInitializing') return `Init:${waiting.reason}`;
    return `Init:${at}/${total}`;
  }
  return undefined;
}

const endReason = ({ reason, signal, exitCode }: NonNullable<ContainerState['terminated']>): string =>
  reason || (signal ? `Signal:${signal}` : `ExitCode:${exitCode}`);

/** Later containers have the word before earlier ones have it: the first with something to say wins. */
function mainStatus(pod: Pod, before: string, tally: Tally): string {
  let status = before;
  let hasRunning = false;
  for (const container of [...(pod.status?.containerStatuses ?? [])].reverse()) {
    tally.add(container, false);
    const { terminated, waiting, running } = container.state ?? {};
    if (waiting?.reason) status = waiting.reason;
    else if (terminated) status = endReason(terminated);
    else if (container.ready && running) {
      hasRunning = true;
      tally.ready++;
    }
  }
  if (status !== 'Completed' || !hasRunning) return status;
  return isTrue(pod.status?.conditions, 'Ready') ? 'Running' : 'NotReady';
}

function terminating({ status = {} }: Pod, current: string): string {
  if (status.reason === 'NodeLost') return 'Unknown';
  return status.phase === 'Succeeded' || status.phase === 'Failed' ? current : 'Terminating';
}

function gatesText({ spec, status }: Pod): string {
  const gates = spec?.readinessGates ?? [];
  const open = gates.filter(({ conditionType }) => isTrue(status?.conditions, conditionType));
  return gates.length === 0 ? NONE : `${open.length}/${gates.length}`;
}

export const POD = printer<Pod>(
  'Name|Ready|Status|Restarts|Age|IP+|Node+|Nominated Node+|Readiness Gates+',
  (pod, nowMs) => {
    const { status, ready, total, restarts, lastRestart } = summarizePod(pod);
    const ago = restarts > 0 && lastRestart ? ` (${timestampAge(lastRestart, nowMs)} ago)` : '';
    return [
      nameOf(pod),
      `${ready}/${total}`,
      status,
      `${restarts}${ago}`,
      ageOf(pod, nowMs),
      pod.status?.podIPs?.[0]?.ip || NONE,
      pod.spec?.nodeName || NONE,
      pod.status?.nominatedNodeName || NONE,
      gatesText(pod),
    ];
  },
);
