import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mergeKubeconfigs } from './kubeconfigs.ts';
import { nodeLines, rootLines } from './network.ts';
import { type PlanOptions, planLab } from './plan.ts';
import { quote } from './shell.ts';

const options: PlanOptions = {
  name: 'default',
  clusters: ['west', 'east'],
  nodesPerCluster: 2,
  isEphemeral: false,
  isIsolated: false,
  firstHostPort: 16_443,
};

test('addresses follow from the order of clusters and never overlap', () => {
  const [west, east] = planLab(options).clusters;
  assert.deepEqual(
    [west?.podCidr, west?.serviceCidr, west?.dnsIp, west?.hostPort],
    ['10.42.0.0/16', '10.96.0.0/16', '10.96.0.10', 16_443],
  );
  assert.deepEqual(
    [east?.podCidr, east?.serviceCidr, east?.apiAddress, east?.hostPort],
    ['10.43.0.0/16', '10.97.0.0/16', '172.30.1.1', 16_444],
  );
  assert.deepEqual(
    east?.nodes.map(({ ip, podCidr, zone }) => [ip, podCidr, zone]),
    [
      ['172.30.1.1', '10.43.0.0/24', 'east-a'],
      ['172.30.1.2', '10.43.1.0/24', 'east-b'],
    ],
  );
});

test('bad options are refused with what was expected', () => {
  assert.throws(() => planLab({ ...options, clusters: [] }), /at least one cluster/);
  assert.throws(() => planLab({ ...options, clusters: ['a', 'a'] }), /must differ: a, a/);
  assert.throws(() => planLab({ ...options, clusters: ['West'] }), /cluster name "West" must be/);
  assert.throws(() => planLab({ ...options, name: '../x' }), /lab name/);
  assert.throws(() => planLab({ ...options, nodesPerCluster: 0 }), /1 to 16 nodes, not 0/);
});

test('the root routes pods by node, and service addresses by the first node of a cluster', () => {
  const lines = rootLines(planLab(options));
  assert.ok(lines.includes('route add 10.43.1.0/24 via 172.30.1.2 dev n1-2 onlink src 172.30.255.1'));
  assert.ok(lines.includes('route add 10.97.0.0/16 via 172.30.1.1 dev n1-1 onlink src 172.30.255.1'));
  assert.ok(!lines.some((line) => line.includes('10.97.0.0/16') && line.includes('n1-2')));
});

test('a node does not send back what no pod of its own has', () => {
  const [node] = planLab(options).clusters[0]?.nodes ?? [];
  assert.ok(node && nodeLines(node).includes('route add blackhole 10.42.0.0/24'));
});

test('kubeconfigs join under the first one', () => {
  const one = (name: string): string =>
    JSON.stringify({ clusters: [name], users: [name], contexts: [name], 'current-context': name });
  const merged = JSON.parse(mergeKubeconfigs([one('west'), one('east')])) as Record<string, unknown>;
  assert.deepEqual(merged['contexts'], ['west', 'east']);
  assert.equal(merged['current-context'], 'west');
});

test('words of a shell command survive quotes', () => {
  assert.equal(quote("it's"), "'it'\\''s'");
});
