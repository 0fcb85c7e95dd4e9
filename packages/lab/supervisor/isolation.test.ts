import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isolationScript } from './isolation.ts';
import { planLab } from './plan.ts';

const { clusters } = planLab({
  name: 'default',
  clusters: ['west', 'east'],
  nodesPerCluster: 2,
  isEphemeral: false,
  isIsolated: true,
  firstHostPort: 0,
});

test('from cluster to cluster only nodes and load balancers are open', () => {
  const script = isolationScript(clusters);
  assert.match(
    script,
    /ip daddr \{ 172\.30\.0\.0\/24, 172\.31\.0\.0\/24, 172\.30\.1\.0\/24, 172\.31\.1\.0\/24 \} accept;/,
  );
  assert.match(script, /ip daddr \{ 10\.42\.0\.0\/16, .* \} reject with icmp type net-unreachable;/);
  assert.equal(script.match(/jump foreign/g)?.length, 2);
});

test('pods that leave their cluster do so under the address of their node', () => {
  assert.match(isolationScript(clusters), /ip saddr 10\.43\.1\.0\/24 ip daddr .* snat to 172\.30\.1\.2;/);
});
