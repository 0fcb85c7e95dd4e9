import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ContainerState, ContainerStatus, KubeObject, Pod } from '#api/kube';
import { builtins } from '../types.ts';
import { humanDuration, printedKinds, printerOf, summarizePod } from './index.ts';

const NOW_MS = Date.parse('2026-01-02T00:00:00Z');
const metadata = { name: 'a', creationTimestamp: '2026-01-01T23:58:00Z' };
const row = (kind: string, object: Record<string, unknown>): unknown[] => {
  const [group = '', version = '', name = ''] = kind.split('/');
  return printerOf(group, version, name).row({ metadata, ...object } as KubeObject, NOW_MS);
};

test('every printer belongs to a built-in kind', () => {
  for (const key of printedKinds()) {
    const [group = '', version = '', kind = ''] = key.split('/');
    assert.ok(builtins.findKind(group, version, kind), key);
  }
});

test('random objects and empty ones give one cell a column', () => {
  const fixtures = JSON.parse(readFileSync(join(import.meta.dirname, '../protobuf/fixtures.gen.json'), 'utf8')) as {
    kind: string;
    json: KubeObject;
  }[];
  for (const { kind, json } of fixtures) {
    if (kind === 'v1 DeleteOptions') continue;
    const [version = '', group = ''] = (kind.split(' ')[0] ?? '').split('/').reverse();
    const printer = printerOf(group, version, kind.split(' ')[1] ?? '');
    const cells = printer.row(JSON.parse(JSON.stringify(json, (_, value) => value ?? undefined)), NOW_MS);
    assert.equal(cells.length, printer.columns.length, kind);
    assert.ok(!cells.includes(undefined), kind);
  }
});

const status = (name: string, state: ContainerState, more: Partial<ContainerStatus> = {}): ContainerStatus => ({
  name,
  image: '',
  imageID: '',
  ready: false,
  restartCount: 0,
  state,
  ...more,
});
const running = { running: {} };
const ended = (exitCode: number, reason = '') => ({ terminated: { exitCode, reason } });
const pod = (
  init: ContainerStatus[],
  main: ContainerStatus[],
  more: Partial<Pod['status']> = {},
  deleted = false,
): Pod => ({
  metadata: deleted ? { ...metadata, deletionTimestamp: 'x' } : metadata,
  spec: {
    initContainers: init.map(({ name }) => ({ name, ...(name === 'proxy' && { restartPolicy: 'Always' }) })),
    containers: main.map(({ name }) => ({ name })),
  },
  status: { phase: 'Pending', initContainerStatuses: init, containerStatuses: main, ...more },
});
const waiting = (reason: string) => ({ waiting: { reason } });

const PODS: readonly (readonly [string, string, Pod])[] = [
  ['Init:0/1', '0/1', pod([status('i', waiting('PodInitializing'))], [status('m', waiting('PodInitializing'))])],
  ['Init:CrashLoopBackOff', '0/1', pod([status('i', waiting('CrashLoopBackOff'))], [status('m', {})])],
  ['Init:Error', '0/1', pod([status('i', ended(1, 'Error'))], [status('m', {})])],
  ['Init:ExitCode:3', '0/1', pod([status('i', ended(3))], [status('m', {})])],
  ['PodInitializing', '0/1', pod([status('i', ended(0))], [status('m', waiting('PodInitializing'))])],
  [
    'Running',
    '2/2',
    pod([status('proxy', running, { started: true, ready: true })], [status('m', running, { ready: true })], {
      phase: 'Running',
    }),
  ],
  [
    'ImagePullBackOff',
    '1/2',
    pod([], [status('m', waiting('ImagePullBackOff')), status('n', running, { ready: true })]),
  ],
  ['Completed', '0/1', pod([], [status('m', ended(0, 'Completed'))], { phase: 'Succeeded' })],
  ['NotReady', '1/2', pod([], [status('m', ended(0, 'Completed')), status('n', running, { ready: true })])],
  ['Terminating', '1/1', pod([], [status('m', running, { ready: true })], { phase: 'Running' }, true)],
  ['Completed', '0/1', pod([], [status('m', ended(0, 'Completed'))], { phase: 'Succeeded' }, true)],
  ['Evicted', '0/1', pod([], [status('m', {})], { phase: 'Failed', reason: 'Evicted' })],
  [
    'SchedulingGated',
    '0/0',
    pod([], [], { conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }] }),
  ],
];

test("a pod's status says what it waits for", () => {
  for (const [want, ready, given] of PODS) {
    const summary = summarizePod(given);
    assert.equal(summary.status, want);
    assert.equal(`${summary.ready}/${summary.total}`, ready, want);
  }
});

test('restarts count running containers and sidecars, with the time of the last one', () => {
  const lastState = { terminated: { exitCode: 1, finishedAt: '2026-01-01T23:59:00Z' } };
  const given = pod(
    [status('i', ended(0), { restartCount: 4 }), status('proxy', running, { started: true, restartCount: 1 })],
    [status('m', running, { restartCount: 2, lastState })],
  );
  const cells = printerOf('', 'v1', 'Pod').row(given, NOW_MS);
  assert.equal(cells[3], '3 (60s ago)');
});

test('services show addresses and ports', () => {
  const ports = [
    { port: 80, nodePort: 30080, protocol: 'TCP' },
    { port: 53, protocol: 'UDP' },
  ];
  const spec = { type: 'LoadBalancer', clusterIPs: ['10.0.0.1'], ports, selector: { b: '2', a: '1' } };
  assert.deepEqual(row('/v1/Service', { spec }), [
    'a',
    'LoadBalancer',
    '10.0.0.1',
    '<pending>',
    '80:30080/TCP,53/UDP',
    '2m',
    'a=1,b=2',
  ]);
  assert.equal(row('/v1/Service', { spec: { type: 'ExternalName', externalName: 'x.y' } })[3], 'x.y');
});

test('workloads show counts, images and selectors', () => {
  const template = {
    spec: {
      containers: [
        { name: 'c', image: 'i:1' },
        { name: 'd', image: 'j:2' },
      ],
    },
  };
  const matchExpressions = [{ key: 'z', operator: 'NotIn', values: ['2', '1'] }];
  const spec = { replicas: 3, template, selector: { matchLabels: { app: 'x' }, matchExpressions } };
  assert.deepEqual(row('apps/v1/Deployment', { spec, status: { readyReplicas: 1, updatedReplicas: 2 } }), [
    'a',
    '1/3',
    2,
    0,
    '2m',
    'c,d',
    'i:1,j:2',
    'app=x,z notin (1,2)',
  ]);
});

test('endpoints beyond three are counted', () => {
  const addresses = ['1', '2', '3', '4', '5'].map((ip) => ({ ip: `10.0.0.${ip}` }));
  const cells = row('/v1/Endpoints', { subsets: [{ addresses, ports: [{ port: 80 }] }] });
  assert.equal(cells[1], '10.0.0.1:80,10.0.0.2:80,10.0.0.3:80 + 2 more...');
  assert.equal(row('/v1/Endpoints', {})[1], '<none>');
});

test('events of both groups print alike', () => {
  const old = {
    involvedObject: { kind: 'Pod', name: 'x' },
    lastTimestamp: '2026-01-01T23:59:30Z',
    message: 'm\n',
    count: 2,
  };
  assert.deepEqual(row('/v1/Event', old).slice(0, 7), ['30s', '', '', 'pod/x', '', '', 'm']);
  const fresh = { regarding: { kind: 'Pod', name: 'x' }, eventTime: '2026-01-01T23:59:30.000000Z', note: 'm' };
  assert.equal(row('events.k8s.io/v1/Event', fresh)[3], 'pod/x');
  assert.equal(row('events.k8s.io/v1/Event', fresh)[0], '30s');
});

test('spans keep two units while they matter', () => {
  const spans = { 119: '119s', 125: '2m5s', 600: '10m', 11000: '3h3m', 28800: '8h', 180000: '2d2h', 800000: '9d' };
  for (const [seconds, want] of Object.entries(spans)) assert.equal(humanDuration(Number(seconds) * 1000), want);
  assert.equal(humanDuration(-500), '0s');
  assert.equal(humanDuration(-5000), '<invalid>');
});
