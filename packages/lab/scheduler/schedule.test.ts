import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Node, Pod, PodSpec } from '../kinds/index.ts';
import { schedule } from './schedule.ts';
import type { NodeInfo, Snapshot } from './snapshot.ts';

const ZONE = 'topology.kubernetes.io/zone';
const HOST = 'kubernetes.io/hostname';

function pod(
  name: string,
  spec: Partial<PodSpec> = {},
  labels: Record<string, string> = { app: 'web' },
  owner = 'set',
): Pod {
  const ownerReferences = [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: owner, uid: owner, controller: true }];
  return {
    metadata: { name, namespace: 'default', labels, ownerReferences },
    spec: { containers: [{ name: 'main' }], ...spec },
  };
}
function node(name: string, zone: string, pods: Pod[] = [], more: Partial<Node> = {}): NodeInfo {
  const labels = { [HOST]: name, [ZONE]: zone, ...more.metadata?.labels };
  return {
    node: { status: { allocatable: { cpu: '2', memory: '1Gi', pods: '10' } }, ...more, metadata: { name, labels } },
    pods,
  };
}
const snapshot = (...nodes: NodeInfo[]): Snapshot => ({
  nodes,
  namespaceLabels: (name) => ({ 'kubernetes.io/metadata.name': name }),
});
const place = (it: Pod, ...nodes: NodeInfo[]): string => {
  const decision = schedule(it, snapshot(...nodes));
  return 'nodeName' in decision ? decision.nodeName : decision.unschedulable;
};

test('without nodes nothing can be scheduled', () => {
  assert.equal(place(pod('a')), 'no nodes available to schedule pods');
});

test('pods of one owner spread over nodes and zones', () => {
  const nodes = [node('n1', 'a'), node('n2', 'a'), node('n3', 'b')];
  const placed: string[] = [];
  for (let count = 0; count < 6; count++) {
    const name = place(pod(`p${count}`), ...nodes);
    const at = nodes.findIndex((info) => info.node.metadata.name === name);
    nodes[at] = { ...nodes[at]!, pods: [...nodes[at]!.pods, pod(`p${count}`)] };
    placed.push(name);
  }
  const count = (name: string) => placed.filter((each) => each === name).length;
  assert.ok(count('n3') >= 2 && count('n1') >= 1 && count('n2') >= 1, placed.join());
  assert.equal(new Set(placed.slice(0, 3)).size, 3, placed.join());
});

test('every objection is told with its count', () => {
  const taint = { key: 'dedicated', value: 'gpu', effect: 'NoSchedule' } as const;
  const full = Array.from({ length: 10 }, (_, at) => pod(`full${at}`));
  const message = place(
    pod('a', { nodeSelector: { disk: 'ssd' } }),
    node('n1', 'a', [], { spec: { unschedulable: true } }),
    node('n2', 'a', [], { spec: { taints: [taint] } }),
    node('n3', 'a'),
    node('n4', 'a', full, { metadata: { labels: { disk: 'ssd' } } }),
  );
  assert.equal(
    message,
    "0/4 nodes are available: 1 Too many pods, 1 node(s) didn't match Pod's node affinity/selector, 1 node(s) had untolerated taint {dedicated: gpu}, 1 node(s) were unschedulable.",
  );
});

test('tolerations open tainted nodes, and a preference against one is respected', () => {
  const taint = { key: 'dedicated', value: 'gpu', effect: 'NoSchedule' } as const;
  const tolerations = [{ key: 'dedicated', operator: 'Equal', value: 'gpu', effect: 'NoSchedule' }] as const;
  assert.equal(
    place(pod('a', { tolerations: [...tolerations] }), node('n1', 'a', [], { spec: { taints: [taint] } })),
    'n1',
  );
  const soft = { key: 'spare', effect: 'PreferNoSchedule' } as const;
  assert.equal(
    place(pod('a'), node('n1', 'a', [], { spec: { taints: [soft] } }), node('n2', 'a', [pod('x'), pod('y')])),
    'n2',
  );
});

test('node affinity is required or preferred', () => {
  const term = { matchExpressions: [{ key: ZONE, operator: 'In' as const, values: ['b'] }] };
  const required = { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [term] } } };
  assert.equal(place(pod('a', { affinity: required }), node('n1', 'a'), node('n2', 'b', [pod('x')])), 'n2');
  const byName = { matchFields: [{ key: 'metadata.name', operator: 'In' as const, values: ['n1'] }] };
  const preferred = {
    nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, preference: byName }] },
  };
  assert.equal(place(pod('a', { affinity: preferred }, {}, 'other'), node('n1', 'a'), node('n2', 'b')), 'n1');
});

test('requests count with sidecars and the largest init container', () => {
  const requests = (cpu: string) => ({ resources: { requests: { cpu } } });
  const big = pod('big', { containers: [{ name: 'main', ...requests('1500m') }] });
  assert.equal(
    place(pod('a', { containers: [{ name: 'main', ...requests('600m') }] }), node('n1', 'a', [big])),
    '0/1 nodes are available: 1 Insufficient cpu.',
  );
  const init = {
    initContainers: [
      { name: 'sidecar', restartPolicy: 'Always' as const, ...requests('200m') },
      { name: 'once', ...requests('400m') },
    ],
  };
  assert.match(place(pod('a', init), node('n1', 'a', [big])), /Insufficient cpu/);
  assert.equal(place(pod('a', { containers: [{ name: 'main', ...requests('500m') }] }), node('n1', 'a', [big])), 'n1');
});

test('a taken host port keeps a pod away', () => {
  const wants = { containers: [{ name: 'main', ports: [{ containerPort: 80, hostPort: 8080 }] }] };
  assert.equal(place(pod('a', wants), node('n1', 'a', [pod('x', wants)]), node('n2', 'a', [pod('y'), pod('z')])), 'n2');
});

test('required anti-affinity keeps apart, from both sides', () => {
  const term = { labelSelector: { matchLabels: { app: 'web' } }, topologyKey: HOST };
  const apart = { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } } };
  assert.equal(place(pod('a', apart), node('n1', 'a', [pod('x')]), node('n2', 'a')), 'n2');
  assert.match(
    place(pod('a'), node('n1', 'a', [pod('x', apart)])),
    /1 node\(s\) didn't satisfy existing pods anti-affinity rules/,
  );
});

test('preferred anti-affinity weighs more than an emptier node', () => {
  const podAffinityTerm = { labelSelector: { matchLabels: { app: 'web' } }, topologyKey: ZONE };
  const apart = {
    affinity: {
      podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, podAffinityTerm }] },
    },
  };
  const strangers = [pod('s1', {}, { app: 'other' }, 's'), pod('s2', {}, { app: 'other' }, 's')];
  assert.equal(place(pod('a', apart), node('n1', 'a', [pod('x')]), node('n2', 'a'), node('n3', 'b', strangers)), 'n3');
});

test('required affinity follows its like; the first of its kind may go anywhere', () => {
  const term = { labelSelector: { matchLabels: { app: 'web' } }, topologyKey: ZONE };
  const near = { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } } };
  assert.equal(place(pod('a', near), node('n1', 'a'), node('n2', 'b')), 'n1');
  assert.equal(place(pod('a', near), node('n1', 'a'), node('n2', 'b', [pod('x')])), 'n2');
  const lonely = pod('a', near, { app: 'other' });
  assert.match(place(lonely, node('n1', 'a')), /1 node\(s\) didn't match pod affinity rules/);
});

test('spread constraints bound the skew, or only lean', () => {
  const constraint = { maxSkew: 1, topologyKey: ZONE, labelSelector: { matchLabels: { app: 'web' } } };
  const hard = { topologySpreadConstraints: [{ ...constraint, whenUnsatisfiable: 'DoNotSchedule' as const }] };
  assert.equal(place(pod('a', hard), node('n1', 'a', [pod('x')]), node('n2', 'b')), 'n2');
  assert.match(
    place(pod('a', hard), node('n1', 'a', [pod('x')]), node('n2', 'b', [], { spec: { unschedulable: true } })),
    /1 node\(s\) didn't match pod topology spread constraints, 1 node\(s\) were unschedulable/,
  );
  const soft = { topologySpreadConstraints: [{ ...constraint, whenUnsatisfiable: 'ScheduleAnyway' as const }] };
  assert.equal(place(pod('a', soft), node('n1', 'a', [pod('x')]), node('n2', 'b', [pod('s', {}, {}, 's')])), 'n2');
});
