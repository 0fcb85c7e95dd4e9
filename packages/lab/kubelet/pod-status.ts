import type { ContainerState, ContainerStatus, PodCondition, PodStatus } from '#api/kube';
import { formatTime } from '../kinds/index.ts';
import type { PodContainer, Terminated } from './container.ts';
import type { BoundPod, Role } from './types.ts';

/** What the status of a container is made from; {@link PodContainer} has these fields. */
export type ContainerView = Pick<
  PodContainer,
  'spec' | 'role' | 'state' | 'last' | 'restartCount' | 'containerId' | 'image' | 'isStarted' | 'isReady'
>;

export interface PodView {
  pod: BoundPod;
  containers: readonly ContainerView[];
  /** Undefined before the sandbox exists. */
  ip: string | undefined;
  nodeIp: string;
  /** All init containers have done their part. */
  isInitialized: boolean;
  /** Set by the worker once no container will run again. */
  finalPhase: 'Succeeded' | 'Failed' | undefined;
  /** Why the pod as a whole failed, e.g. `DeadlineExceeded`. */
  reason: string | undefined;
  message: string | undefined;
  startedAtMs: number;
}

/** The pod's status as the kubelet reports it. Conditions keep their transition times where the status did not change. */
export function podStatus(view: PodView, nowMs: number): PodStatus {
  const { pod, containers } = view;
  const list = (roles: readonly Role[]): ContainerStatus[] =>
    containers.filter(({ role }) => roles.includes(role)).map(containerStatus);
  const init = list(['init', 'sidecar']);
  const ephemeral = list(['ephemeral']);
  const phase = view.finalPhase ?? runningPhase(view);
  return {
    phase,
    ...(pod.metadata.generation !== undefined && { observedGeneration: pod.metadata.generation }),
    conditions: conditions(view, phase, nowMs),
    ...(view.reason !== undefined && { reason: view.reason }),
    ...(view.message !== undefined && { message: view.message }),
    hostIP: view.nodeIp,
    hostIPs: [{ ip: view.nodeIp }],
    ...(view.ip !== undefined && { podIP: view.ip, podIPs: [{ ip: view.ip }] }),
    startTime: pod.status?.startTime ?? formatTime(view.startedAtMs),
    ...(init.length > 0 && { initContainerStatuses: init }),
    containerStatuses: list(['app']),
    ...(ephemeral.length > 0 && { ephemeralContainerStatuses: ephemeral }),
    ...(pod.status?.qosClass === undefined && { qosClass: qosClass(pod) }),
  };
}

/** Running once every app container has at least begun; Pending before. */
function runningPhase({ containers, isInitialized }: PodView): 'Pending' | 'Running' {
  const hasBegun = ({ state, last }: ContainerView): boolean => state.kind !== 'waiting' || last !== undefined;
  const apps = containers.filter(({ role }) => role === 'app');
  return isInitialized && apps.every(hasBegun) ? 'Running' : 'Pending';
}

/** Time zero stands for "never ran": Go prints it as the epoch. */
const timeText = (ms: number): string => formatTime(ms);

const terminatedState = (end: Terminated): NonNullable<ContainerState['terminated']> => ({
  exitCode: end.exitCode,
  reason: end.reason,
  ...(end.message && { message: end.message }),
  startedAt: timeText(end.startedAtMs),
  finishedAt: timeText(end.finishedAtMs),
  ...(end.containerId && { containerID: end.containerId }),
});

function containerState({ state }: ContainerView): ContainerState {
  if (state.kind === 'running') return { running: { startedAt: timeText(state.startedAtMs) } };
  if (state.kind === 'terminated') return { terminated: terminatedState(state) };
  return { waiting: { reason: state.reason, ...(state.message && { message: state.message }) } };
}

/** One entry of containerStatuses. */
export function containerStatus(view: ContainerView): ContainerStatus {
  const isDone = view.role === 'init' && view.state.kind === 'terminated' && view.state.exitCode === 0;
  return {
    name: view.spec.name,
    state: containerState(view),
    lastState: view.last ? { terminated: terminatedState(view.last) } : {},
    ready: isDone || (view.state.kind === 'running' && view.isReady),
    restartCount: view.restartCount,
    image: view.spec.image ?? '',
    imageID: view.state.kind === 'waiting' && !view.last ? '' : (view.image?.id ?? ''),
    ...(view.containerId && { containerID: view.containerId }),
    started: view.state.kind === 'running' && (view.role === 'init' || view.isStarted),
  };
}

const byReadiness = (containers: readonly ContainerView[]): string[] =>
  containers
    .filter(
      ({ role, state, isReady }) => (role === 'app' || role === 'sidecar') && !(state.kind === 'running' && isReady),
    )
    .map(({ spec }) => spec.name);

type Verdict = { status: 'True' | 'False'; reason?: string; message?: string };

function readiness(view: PodView, phase: string): Verdict {
  if (phase === 'Succeeded') return { status: 'False', reason: 'PodCompleted' };
  if (phase === 'Failed') return { status: 'False', reason: 'PodFailed' };
  const unready = byReadiness(view.containers);
  if (unready.length === 0) return { status: 'True' };
  return {
    status: 'False',
    reason: 'ContainersNotReady',
    message: `containers with unready status: [${unready.join(' ')}]`,
  };
}

function gated(view: PodView, verdict: Verdict): Verdict {
  if (verdict.status === 'False') return verdict;
  const closed = (view.pod.spec.readinessGates ?? []).filter(({ conditionType }) => {
    const condition = view.pod.status?.conditions?.find(({ type }) => type === conditionType);
    return condition?.status !== 'True';
  });
  if (closed.length === 0) return verdict;
  const names = closed.map(
    ({ conditionType }) => `corresponding condition of pod readiness gate "${conditionType}" does not exist.`,
  );
  return { status: 'False', reason: 'ReadinessGatesNotReady', message: names.join(', ') };
}

function initialized(view: PodView, phase: string): Verdict {
  if (phase === 'Succeeded') return { status: 'True', reason: 'PodCompleted' };
  if (view.isInitialized) return { status: 'True' };
  const incomplete = view.containers.filter(({ role, state, isStarted }) =>
    role === 'sidecar' ? !isStarted : role === 'init' && !(state.kind === 'terminated' && state.exitCode === 0),
  );
  const names = incomplete.map(({ spec }) => spec.name).join(' ');
  return {
    status: 'False',
    reason: 'ContainersNotInitialized',
    message: `containers with incomplete status: [${names}]`,
  };
}

/** The kubelet's five conditions; those that others set (readiness gates) are left to a strategic merge. */
function conditions(view: PodView, phase: string, nowMs: number): PodCondition[] {
  const ready = readiness(view, phase);
  const isFinal = view.finalPhase !== undefined;
  const verdicts: readonly (readonly [string, Verdict])[] = [
    ['PodReadyToStartContainers', { status: view.ip !== undefined && !isFinal ? 'True' : 'False' }],
    ['Initialized', initialized(view, phase)],
    ['Ready', gated(view, ready)],
    ['ContainersReady', ready],
    ['PodScheduled', { status: 'True' }],
  ];
  return verdicts.map(([type, verdict]) => {
    const old = view.pod.status?.conditions?.find((condition) => condition.type === type);
    const isSame = old?.status === verdict.status && old.lastTransitionTime !== undefined;
    return {
      type,
      ...verdict,
      ...(view.pod.metadata.generation !== undefined && { observedGeneration: view.pod.metadata.generation }),
      lastTransitionTime: isSame ? (old?.lastTransitionTime ?? '') : formatTime(nowMs),
    };
  });
}

/** Guaranteed when every container limits cpu and memory and asks for as much, BestEffort when none names either. */
export function qosClass(pod: BoundPod): 'Guaranteed' | 'Burstable' | 'BestEffort' {
  const resources = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].map(
    ({ resources }) => resources ?? {},
  );
  const names = ['cpu', 'memory'] as const;
  const asksNothing = resources.every(({ limits, requests }) =>
    names.every((name) => !limits?.[name] && !requests?.[name]),
  );
  if (asksNothing) return 'BestEffort';
  const isFull = resources.every(({ limits, requests }) =>
    names.every((name) => limits?.[name] && (requests?.[name] ?? limits[name]) === limits[name]),
  );
  return isFull ? 'Guaranteed' : 'Burstable';
}
