import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseMetrics, Registry } from './index.ts';

const TABLE = {
  requests_total: { type: 'counter', help: 'Requests.', labels: ['direction', 'tls', 'dst_*'] },
  open: { type: 'gauge', help: 'Open.', labels: ['of'] },
  wait_ms: { type: 'histogram', help: 'Waiting.', labels: ['route'], buckets: [1, 10] },
  wait_seconds: { type: 'histogram', help: 'With "quotes" and \\.', labels: [], buckets: [0.5, 1] },
} as const;

function make(seriesMax = 1_000) {
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

test('bounds in seconds are never whole numbers', () => {
  const { registry } = make();
  registry.histogram('wait_seconds', {}).observe(0.7);
  assert.match(registry.render(), /le="0.5"} 0\n.*le="1.0"} 1\n/);
});

test('OpenMetrics names families of counters without _total', () => {
  const { registry } = make();
  registry.counter('requests_total', { tls: 'true' }).inc();
  const text = registry.render('openmetrics');
  assert.match(text, /^# HELP requests Requests\.\n# TYPE requests counter\nrequests_total\{tls="true"\} 1\n# EOF\n$/);
});

test('whatever the labels and values are, a strict reader gets them back', () => {
  const name = fc.string({ unit: 'binary', maxLength: 8 }).map((text) => `dst_${text}`);
  const value = fc.string({ unit: 'binary', maxLength: 8 });
  fc.assert(
    fc.property(fc.array(fc.tuple(value, name, value), { maxLength: 5 }), fc.double(), (sets, amount) => {
      const { registry } = make(100_000);
      for (const [tls, open, text] of sets) registry.counter('requests_total', { tls, [open]: text }).inc();
      registry.gauge('open', { of: 'it' }).set(amount);
      registry.histogram('wait_seconds', {}).observe(amount);
      for (const format of ['prometheus', 'openmetrics'] as const) {
        const families = parseMetrics(registry.render(format), format);
        const counted = families.get(format === 'prometheus' ? 'requests_total' : 'requests')?.samples ?? [];
        assert.deepEqual(new Set(counted.map((one) => one.labels['tls'])), new Set(sets.map(([tls]) => tls)));
        assert.equal(families.get('open')?.samples[0]?.value, amount === 0 ? 0 : amount);
      }
    }),
    { numRuns: 50 },
  );
});

test('binding the same labels gives the same cell', () => {
  const { registry } = make();
  assert.equal(
    registry.counter('requests_total', { tls: 'true' }),
    registry.counter('requests_total', { tls: 'true' }),
  );
});

test('beyond the budget label sets are folded into one series, so that sums stay right', () => {
  const { registry } = make(20);
  for (let i = 0; i < 100; i++) registry.counter('requests_total', { direction: 'inbound', tls: `${i}` }).inc();
  const { samples } = parseMetrics(registry.render()).get('requests_total')!;
  assert.equal(
    samples.reduce((sum, { value }) => sum + value, 0),
    100,
  );
  assert.ok(samples.length < 12);
  assert.deepEqual(samples.at(-1)?.labels, { direction: '_folded', tls: '_folded' });
  assert.equal(registry.folded.get('requests_total'), 100 - samples.length + 1);
});

test('a family outside of the budget keeps all its series, and takes nothing from the others', () => {
  const limits = { seriesMax: 40, retainMs: 100, unbounded: ['open'] };
  const registry = new Registry(TABLE, limits, () => 0);
  for (let i = 0; i < 100; i++) registry.gauge('open', { of: `${i}` }).set(1);
  assert.equal(registry.folded.get('open'), undefined);
  registry.counter('requests_total', { direction: 'inbound' }).inc();
  assert.equal(registry.folded.get('requests_total'), undefined);
  assert.equal(parseMetrics(registry.render()).get('open')?.samples.length, 100);
});

test('gauges beyond the budget count into the void: levels of different things have no sum', () => {
  const { registry } = make(20);
  for (let i = 0; i < 100; i++) registry.gauge('open', { of: `${i}` }).set(i);
  assert.doesNotMatch(registry.render(), /_folded|"99"/);
  assert.ok((registry.folded.get('open') ?? 0) > 80);
});

test('one family cannot take what another needs', () => {
  const { registry } = make(100);
  for (let i = 0; i < 1_000; i++) registry.counter('requests_total', { tls: `${i}` }).inc();
  for (let i = 0; i < 1_000; i++) registry.histogram('wait_ms', { route: `${i}` }).observe(1);
  registry.gauge('open', { of: 'mine' }).set(1);
  assert.match(registry.render(), /open\{of="mine"\} 1/);
  assert.ok((registry.folded.get('wait_ms') ?? 0) < 1_000);
  assert.ok(registry.samples <= 100);
});

test('whoever binds and releases at random, the budget holds', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(2), fc.nat(60), fc.boolean()), { maxLength: 300 }), (steps) => {
      const { registry, time } = make(80);
      for (const [family, index, release] of steps) {
        time.nowMs += 50;
        const name = (['requests_total', 'open', 'wait_ms'] as const)[family]!;
        const labels = { tls: `${index}`, of: `${index}`, route: `${index}` };
        if (release) registry.release(name, labels);
        else if (name === 'open') registry.gauge(name, labels);
        else if (name === 'wait_ms') registry.histogram(name, labels);
        else registry.counter(name, labels);
        assert.ok(registry.samples <= 80);
      }
    }),
    { numRuns: 50 },
  );
});

test('a released series makes room for a new one', () => {
  const { registry, time } = make(20);
  for (let i = 0; i < 100; i++) registry.counter('requests_total', { tls: `${i}` });
  for (let i = 0; i < 100; i++) registry.release('requests_total', { tls: `${i}` });
  time.nowMs = 5_000;
  registry.counter('requests_total', { tls: 'new' }).inc();
  assert.match(registry.render(), /tls="new"\} 1/);
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

test('what is only counted in passing goes when nothing was added for a while', () => {
  const { registry, time } = make();
  registry.count('requests_total', { tls: 'true' });
  registry.observe('wait_ms', { route: 'a' }, 3);
  time.nowMs = 99;
  registry.count('requests_total', { tls: 'true' }, 2);
  time.nowMs = 150;
  assert.match(registry.render(), /tls="true"\} 3/);
  assert.doesNotMatch(registry.render(), /wait_ms/);
  time.nowMs = 199;
  assert.doesNotMatch(registry.render(), /requests/);
});

test('collectors run before rendering', () => {
  const { registry } = make();
  const open = registry.gauge('open', {});
  registry.onCollect(() => open.set(7));
  assert.match(registry.render(), /open 7/);
});

test('rendering slowly gives the same text, once for all who ask, and leaves others their turn', async () => {
  const { registry } = make(200_000);
  for (let i = 0; i < 20_000; i++) registry.counter('requests_total', { tls: `${i}`, dst_pod: `pod-${i}` }).inc();
  let turns = 0;
  let over = false;
  const turn = (): void => {
    turns++;
    if (!over) setImmediate(turn);
  };
  setImmediate(turn);
  const [first, second] = await Promise.all([registry.renderSlowly(), registry.renderSlowly()]);
  over = true;
  assert.equal(first, second);
  assert.equal(first?.toString(), registry.render());
  assert.ok(turns > 5, `${turns} turns of others`);
});
