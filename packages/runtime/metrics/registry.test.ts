import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry } from './index.ts';

const TABLE = {
  requests_total: { type: 'counter', help: 'Requests.', labels: ['direction', 'tls', 'dst_*'] },
  open: { type: 'gauge', help: 'Open.', labels: [] },
  wait_ms: { type: 'histogram', help: 'Waiting.', labels: ['route'], buckets: [1, 10] },
} as const;

function make(seriesMax = 10) {
  const time = { nowMs: 0 };
  return { time, registry: new Registry(TABLE, { seriesMax, retainMs: 100 }, () => time.nowMs) };
}

test('renders the Prometheus text format, labels in the order of the table', () => {
  const { registry } = make();
  registry.counter('requests_total', { dst_pod: 'b', dst_app: 'x"y\\', tls: 'true', direction: 'inbound' }).add(2);
  registry.gauge('open', {}).set(3);
  const wait = registry.histogram('wait_ms', { route: 'a' });
  for (const value of [0.5, 1, 5, 100]) wait.observe(value);
  assert.equal(
    registry.render(),
    [
      '# HELP requests_total Requests.',
      '# TYPE requests_total counter',
      'requests_total{direction="inbound",tls="true",dst_app="x\\"y\\\\",dst_pod="b"} 2',
      '# HELP open Open.',
      '# TYPE open gauge',
      'open 3',
      '# HELP wait_ms Waiting.',
      '# TYPE wait_ms histogram',
      'wait_ms_bucket{route="a",le="1"} 2',
      'wait_ms_bucket{route="a",le="10"} 3',
      'wait_ms_bucket{route="a",le="+Inf"} 4',
      'wait_ms_sum{route="a"} 106.5',
      'wait_ms_count{route="a"} 4',
      '# EOF',
      '',
    ].join('\n'),
  );
});

test('binding the same labels gives the same cell', () => {
  const { registry } = make();
  assert.equal(
    registry.counter('requests_total', { tls: 'true' }),
    registry.counter('requests_total', { tls: 'true' }),
  );
});

test('beyond the budget series count into the void', () => {
  const { registry } = make(1);
  registry.counter('requests_total', { tls: 'true' });
  registry.counter('requests_total', { tls: 'disabled' }).inc();
  assert.equal(registry.dropped, 1);
  assert.doesNotMatch(registry.render(), /disabled/);
});

test('a series goes some time after its last holder released it', () => {
  const { registry, time } = make();
  registry.counter('requests_total', { tls: 'true' }).inc();
  registry.counter('requests_total', { tls: 'true' });
  registry.release('requests_total', { tls: 'true' });
  time.nowMs = 1000;
  assert.match(registry.render(), /tls="true"/);
  registry.release('requests_total', { tls: 'true' });
  time.nowMs = 1099;
  assert.match(registry.render(), /tls="true"/);
  time.nowMs = 1100;
  assert.doesNotMatch(registry.render(), /tls="true"/);
});

test('collectors run before rendering', () => {
  const { registry } = make();
  const open = registry.gauge('open', {});
  registry.onCollect(() => open.set(7));
  assert.match(registry.render(), /open 7/);
});
