import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ContainerView, type PodView, podStatus, qosClass } from './pod-status.ts';
import type { BoundPod } from './types.ts';

const pod: BoundPod = { metadata: { name: 'p', namespace: 'n', uid: 'u' }, spec: { containers: [{ name: 'c' }] } };

const view = (containers: readonly ContainerView[], rest: Partial<PodView> = {}): PodView => ({
  pod,
  containers,
  ip: '10.0.0.1',
  nodeIp: '172.30.0.1',
  isInitialized: true,
  finalPhase: undefined,
  reason: undefined,
  message: undefined,
  startedAtMs: 0,
  ...rest,
});

const container = (name: string, rest: Partial<ContainerView> = {}): ContainerView => ({
  spec: { name, image: 'busybox' },
  role: 'app',
  state: { kind: 'running', startedAtMs: 1_000 },
  last: undefined,
  restartCount: 0,
  containerId: 'process://1',
  image: { id: 'lab/busybox@sha256:0', name: 'busybox', entrypoint: [] },
  isStarted: true,
  isReady: true,
  ...rest,
});

const conditionsOf = (status: ReturnType<typeof podStatus>): Record<string, string> =>
  Object.fromEntries(
    (status.conditions ?? []).map(({ type, status: is, reason }) => [type, reason ? `${is} ${reason}` : is]),
  );

test('a running, ready pod has all conditions', () => {
  const status = podStatus(view([container('c')]), 5_000);
  assert.equal(status.phase, 'Running');
  assert.deepEqual(conditionsOf(status), {
    PodReadyToStartContainers: 'True',
    Initialized: 'True',
    Ready: 'True',
    ContainersReady: 'True',
    PodScheduled: 'True',
  });
  assert.equal(status.containerStatuses?.[0]?.state?.running?.startedAt, '1970-01-01T00:00:01Z');
});

test('before init containers are done the pod is Pending and says which are missing', () => {
  const init = container('i', { role: 'init', isReady: false });
  const app = container('c', {
    state: { kind: 'waiting', reason: 'PodInitializing' },
    isReady: false,
    isStarted: false,
  });
  const status = podStatus(view([init, app], { isInitialized: false }), 0);
  assert.equal(status.phase, 'Pending');
  assert.equal(
    status.conditions?.find(({ type }) => type === 'Initialized')?.message,
    'containers with incomplete status: [i]',
  );
  assert.equal(status.containerStatuses?.[0]?.state?.waiting?.reason, 'PodInitializing');
});

test('an unready sidecar keeps the pod unready', () => {
  const status = podStatus(view([container('proxy', { role: 'sidecar', isReady: false }), container('c')]), 0);
  assert.equal(conditionsOf(status)['Ready'], 'False ContainersNotReady');
});

test('a finished init container counts as ready', () => {
  const end = { exitCode: 0, reason: 'Completed', startedAtMs: 0, finishedAtMs: 1, containerId: 'x' };
  const done = container('i', { role: 'init', isReady: false, state: { kind: 'terminated', ...end } });
  assert.equal(podStatus(view([done, container('c')]), 0).initContainerStatuses?.[0]?.ready, true);
});

test('a crash loop shows the last end and the pod stays Running', () => {
  const last = { exitCode: 3, reason: 'Error', startedAtMs: 0, finishedAtMs: 2_000, containerId: 'x' };
  const crashed = container('c', {
    state: { kind: 'waiting', reason: 'CrashLoopBackOff' },
    last,
    isReady: false,
    restartCount: 2,
  });
  const status = podStatus(view([crashed]), 0);
  assert.equal(status.phase, 'Running');
  assert.equal(status.containerStatuses?.[0]?.lastState?.terminated?.exitCode, 3);
});

test('a readiness gate holds back Ready but not ContainersReady', () => {
  const gated: BoundPod = { ...pod, spec: { ...pod.spec, readinessGates: [{ conditionType: 'x/y' }] } };
  const closed = conditionsOf(podStatus(view([container('c')], { pod: gated }), 0));
  assert.equal(closed['Ready'], 'False ReadinessGatesNotReady');
  assert.equal(closed['ContainersReady'], 'True');
  const open: BoundPod = { ...gated, status: { conditions: [{ type: 'x/y', status: 'True' }] } };
  assert.equal(conditionsOf(podStatus(view([container('c')], { pod: open }), 0))['Ready'], 'True');
});

test('transition times move only when the status does', () => {
  const old = '2026-01-01T00:00:00Z';
  const known: BoundPod = {
    ...pod,
    status: { conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: old }] },
  };
  const at = (isReady: boolean) =>
    podStatus(view([container('c', { isReady })], { pod: known }), 5_000).conditions?.find(
      ({ type }) => type === 'Ready',
    )?.lastTransitionTime;
  assert.equal(at(true), old);
  assert.equal(at(false), '1970-01-01T00:00:05Z');
});

test('the class of service follows requests and limits', () => {
  const of = (resources: object | undefined): string =>
    qosClass({ ...pod, spec: { containers: [{ name: 'c', ...(resources && { resources }) }] } });
  assert.equal(of(undefined), 'BestEffort');
  assert.equal(of({ requests: { cpu: '1' } }), 'Burstable');
  assert.equal(of({ limits: { cpu: '1', memory: '1Gi' } }), 'Guaranteed');
});
