import assert from 'node:assert/strict';
import { test } from 'node:test';
import { METRIC_CHAPTERS, type MetricRow, PROXY_METRICS } from './index.ts';

const rows = Object.entries(PROXY_METRICS) as [string, MetricRow][];

test('each metric stands in one chapter', () => {
  const names = Object.values(METRIC_CHAPTERS).flatMap((chapter) => Object.keys(chapter));
  assert.equal(new Set(names).size, names.length);
  assert.deepEqual(new Set(names), new Set(Object.keys(PROXY_METRICS)));
});

test('names and labels are such as Prometheus takes', () => {
  for (const [name, { labels, help }] of rows) {
    assert.match(name, /^[a-z][a-z0-9_]*$/);
    assert.ok(help.length > 5 && help.endsWith('.'), `${name}: ${help}`);
    assert.equal(new Set(labels).size, labels.length, name);
    for (const label of labels) assert.match(label, /^[a-z][a-z0-9_]*\*?$/, `${name}: ${label}`);
    for (const reserved of ['le', 'quantile']) assert.ok(!labels.includes(reserved), name);
  }
});

test('histograms have rising buckets, others none', () => {
  for (const [name, { type, buckets }] of rows) {
    if (type === 'histogram')
      assert.deepEqual(
        buckets,
        [...(buckets ?? [])].sort((a, b) => a - b),
        name,
      );
    assert.equal(buckets !== undefined && buckets.length > 0, type === 'histogram', name);
  }
});

test('only counters end in _total', () => {
  for (const [name, { type }] of rows) if (name.endsWith('_total')) assert.equal(type, 'counter', name);
});

test('balancers of services carry parent and backend, those of the control plane the address', () => {
  assert.deepEqual(PROXY_METRICS.control_policy_balancer_endpoints.labels, ['endpoint_state', 'addr']);
  assert.deepEqual(PROXY_METRICS.outbound_tls_balancer_queue_latency_seconds.labels.slice(0, 2), [
    'parent_group',
    'parent_kind',
  ]);
  for (const [family, last] of [
    ['outbound_http', 'backend_section_name'],
    ['outbound_tcp', 'concrete'],
    ['outbound_tls', 'concrete'],
  ] as const)
    assert.equal(PROXY_METRICS[`${family}_balancer_queue_length`].labels.at(-1), last);
});
