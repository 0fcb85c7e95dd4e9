import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PROXY_METRICS } from '#model/metrics';
import { FakeClock } from '#runtime/clock';
import { Registry } from '#runtime/metrics';
import { type NameServer, Resolver, type ResolverConfig } from './resolve.ts';

const ADDR = { host: 'linkerd-dst.linkerd.svc.cluster.local.', port: 8086 };

/** A resolver over records that the test changes; counts the questions. */
function setUp(config: Partial<ResolverConfig> = {}) {
  const clock = new FakeClock();
  const metrics = new Registry(PROXY_METRICS, { seriesMax: 100, retainMs: 1 }, () => clock.nowMs());
  const records = {
    srv: [] as { name: string; port: number }[],
    v4: [{ address: '10.0.0.1', ttl: 5 }],
    questions: 0,
  };
  const names: NameServer = {
    resolveSrv: async () => records.srv,
    resolve4: async () => {
      records.questions++;
      if (records.v4.length === 0) throw new Error('SERVFAIL');
      return records.v4;
    },
    resolve6: async () => [],
  };
  const whole = { minTtlMs: undefined, maxTtlMs: undefined, ...config };
  return { clock, metrics, records, resolver: new Resolver('destination', whole, { metrics, clock, names }) };
}

test('an answer is used as long as it lives, and asked for once', async () => {
  const { clock, metrics, records, resolver } = setUp();
  const both = await Promise.all([resolver.resolve(ADDR), resolver.resolve(ADDR)]);
  assert.deepEqual(both[0], [{ host: '10.0.0.1', port: 8086 }]);
  clock.advance(4_999);
  await resolver.resolve(ADDR);
  assert.equal(records.questions, 1);
  clock.advance(2);
  records.v4 = [{ address: '10.0.0.2', ttl: 5 }];
  assert.deepEqual(await resolver.resolve(ADDR), [{ host: '10.0.0.2', port: 8086 }]);
  assert.match(
    metrics.render(),
    /control_dns_resolutions_total\{client="destination",record_type="A\/AAAA",result="ok"\} 2/,
  );
});

test('addresses that do not answer are asked for anew, however long they were to live, and kept for want of others', async () => {
  const { records, resolver } = setUp({ minTtlMs: 60_000 });
  await resolver.resolve(ADDR);
  records.v4 = [{ address: '10.0.0.2', ttl: 5 }];
  resolver.distrust(ADDR);
  assert.deepEqual(await resolver.resolve(ADDR), [{ host: '10.0.0.2', port: 8086 }]);
  records.v4 = [];
  resolver.distrust(ADDR);
  assert.deepEqual(await resolver.resolve(ADDR), [{ host: '10.0.0.2', port: 8086 }]);
});

test('lifetimes are kept within their bounds', async () => {
  for (const [config, lifeMs] of [
    [{ minTtlMs: 60_000 }, 60_000],
    [{ maxTtlMs: 2_000 }, 2_000],
  ] as const) {
    const { clock, records, resolver } = setUp(config);
    await resolver.resolve(ADDR);
    clock.advance(lifeMs - 1);
    await resolver.resolve(ADDR);
    assert.equal(records.questions, 1);
    clock.advance(1);
    await resolver.resolve(ADDR);
    assert.equal(records.questions, 2);
  }
});

test('SRV records come first, and names made of addresses are those addresses', async () => {
  const { records, resolver } = setUp();
  records.srv = [
    { name: '10-1-2-3.linkerd-dst.linkerd.svc.cluster.local', port: 8086 },
    { name: 'fd00--7.linkerd-dst.linkerd.svc.cluster.local', port: 8087 },
    { name: 'named.linkerd.svc.cluster.local', port: 8088 },
  ];
  assert.deepEqual(await resolver.resolve(ADDR), [
    { host: '10.1.2.3', port: 8086 },
    { host: 'fd00::7', port: 8087 },
    { host: '10.0.0.1', port: 8088 },
  ]);
});

test('when the name server fails, the last known addresses are used on', async () => {
  const { clock, records, resolver } = setUp();
  await resolver.resolve(ADDR);
  records.v4 = [];
  clock.advance(10_000);
  assert.deepEqual(await resolver.resolve({ ...ADDR }), [{ host: '10.0.0.1', port: 8086 }]);
});

test('addresses and loopback are not asked for; a name that nobody knows is an error', async () => {
  const { records, resolver } = setUp();
  assert.deepEqual(await resolver.resolve({ host: '10.9.9.9', port: 1 }), [{ host: '10.9.9.9', port: 1 }]);
  assert.deepEqual(await resolver.resolve({ host: 'localhost.', port: 1 }), [{ host: '127.0.0.1', port: 1 }]);
  records.v4 = [];
  await assert.rejects(resolver.resolve({ host: 'nobody.invalid', port: 1 }), /is cluster DNS reachable/);
  assert.equal(records.questions, 1);
});
