import type { ContainerStatus } from '#api/kube';
import { parseTime } from '../kinds/index.ts';
import type { ContainerState, PodContainer, Terminated } from './container.ts';
import type { BoundPod } from './types.ts';

/**
 * Takes over a pod that an earlier process of this node ran: its containers are gone, as after a reboot. Finished ones stay
 * finished, running ones count as ended with 255, and the counts go on.
 */
export function adoptStatus(
  pod: BoundPod,
  containers: readonly PodContainer[],
  nowMs: number,
): { isInitialized: boolean; finalPhase: 'Succeeded' | 'Failed' | undefined } {
  const phase = pod.status?.phase;
  const finalPhase = phase === 'Succeeded' || phase === 'Failed' ? phase : undefined;
  const statuses = [
    ...(pod.status?.initContainerStatuses ?? []),
    ...(pod.status?.containerStatuses ?? []),
    ...(pod.status?.ephemeralContainerStatuses ?? []),
  ];
  for (const container of containers) {
    const past = statuses.find(({ name }) => name === container.spec.name);
    if (past)
      adoptContainer(container, past, { nowMs, keepsState: finalPhase !== undefined || container.role !== 'sidecar' });
  }
  // A new network means that init containers, which may have set it up, run again.
  return { isInitialized: finalPhase !== undefined, finalPhase };
}

function adoptContainer(
  container: PodContainer,
  past: ContainerStatus,
  options: { nowMs: number; keepsState: boolean },
): void {
  const hasRun = past.state?.running !== undefined || past.state?.terminated !== undefined || past.restartCount > 0;
  const ended = past.state?.terminated ? fromStatus(past.state.terminated) : undefined;
  const lost = past.state?.running ? lostRun(past, options.nowMs) : undefined;
  const last = ended ?? lost ?? (past.lastState?.terminated ? fromStatus(past.lastState.terminated) : undefined);
  const isDone = ended !== undefined && options.keepsState && container.role === 'app';
  const state: ContainerState | undefined = isDone ? { kind: 'terminated', ...ended } : undefined;
  container.adopt({ runs: hasRun ? past.restartCount + 1 : 0, last: isDone ? undefined : last, state });
}

const lostRun = (past: ContainerStatus, nowMs: number): Terminated => ({
  exitCode: 255,
  reason: 'Unknown',
  startedAtMs: parseTime(past.state?.running?.startedAt) ?? 0,
  finishedAtMs: nowMs,
  containerId: past.containerID ?? '',
});

const fromStatus = (end: NonNullable<NonNullable<ContainerStatus['state']>['terminated']>): Terminated => ({
  exitCode: end.exitCode,
  reason: end.reason ?? '',
  ...(end.message && { message: end.message }),
  startedAtMs: parseTime(end.startedAt) ?? 0,
  finishedAtMs: parseTime(end.finishedAt) ?? 0,
  containerId: end.containerID ?? '',
});
