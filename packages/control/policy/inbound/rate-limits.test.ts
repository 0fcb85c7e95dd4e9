import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toJson } from '@bufbuild/protobuf';
import { inbound } from '#api/mesh';
import { FakeCluster, until } from '../scene.fake.ts';
import { at, changes, ID, limitOf, listener, server } from './listen.fake.ts';
import { acceptedRateLimit, judgeRateLimit, type RateLimitRecord, readRateLimit } from './rate-limits.ts';

const { start, ask } = listener();

const limit = (fields: object = { total: { requestsPerSecond: 10 } }, name = 's', more: object = {}) => ({
  ...more,
  spec: { targetRef: { group: 'policy.linkerd.io', kind: 'Server', name }, ...fields },
});
const shop = (fields: object = {}) => new FakeCluster().pod('shop/web').put('Server', 'shop/s', server(fields));
const nameOf = (policy: inbound.Server): string | undefined => {
  const kind = limitOf(policy)?.metadata?.kind;
  return kind?.case === 'resource' ? kind.value.name : undefined;
};

test('a rate limit carries its rates, with the clients of overrides by their whole identities', async () => {
  const cluster = shop().put(
    'HTTPLocalRateLimitPolicy',
    'shop/l',
    limit({
      total: { requestsPerSecond: 1000 },
      identity: { requestsPerSecond: 100 },
      overrides: [
        {
          requestsPerSecond: 200,
          clientRefs: [
            { kind: 'ServiceAccount', name: 'a' },
            { group: 'core', kind: 'serviceaccount', name: 'b', namespace: 'other' },
          ],
        },
      ],
    }),
  );
  const found = limitOf(await ask(cluster));
  assert.deepEqual(found && toJson(inbound.HttpLocalRateLimitSchema, found), {
    metadata: { resource: { group: 'policy.linkerd.io', kind: 'HTTPLocalRateLimitPolicy', name: 'l' } },
    total: { requestsPerSecond: 1000 },
    identity: { requestsPerSecond: 100 },
    overrides: [
      {
        limit: { requestsPerSecond: 200 },
        clients: { identities: [{ name: `a.shop.${ID}` }, { name: `b.other.${ID}` }] },
      },
    ],
  });
});

test('a limit that is not written is none', async () => {
  const found = limitOf(await ask(shop().put('HTTPLocalRateLimitPolicy', 'shop/l', limit({}))));
  assert.equal(found?.total, undefined);
  assert.equal(found?.identity, undefined);
  assert.deepEqual(found?.overrides, []);
});

test('limits are of HTTP: not of gRPC, of bytes, nor of ports without a Server', async () => {
  const carries: Record<string, boolean> = {};
  for (const proxyProtocol of ['unknown', 'HTTP/1', 'HTTP/2', 'gRPC', 'opaque', 'TLS']) {
    const found = await ask(shop({ proxyProtocol }).put('HTTPLocalRateLimitPolicy', 'shop/l', limit()));
    carries[proxyProtocol] = JSON.stringify(found.protocol, (_, value) =>
      typeof value === 'bigint' ? String(value) : value,
    ).includes('RateLimitPolicy');
  }
  const expected = { unknown: true, 'HTTP/1': true, 'HTTP/2': true, gRPC: false, opaque: false, TLS: false };
  assert.deepEqual(carries, expected);
  const alone = new FakeCluster().pod('shop/web').put('HTTPLocalRateLimitPolicy', 'shop/l', limit());
  assert.equal(limitOf(await ask(alone)), undefined);
});

test('of several the oldest counts, then the first by name, and the next when it goes', async () => {
  const cluster = shop()
    .put('HTTPLocalRateLimitPolicy', 'shop/c', limit({}, 's', at(1)))
    .put('HTTPLocalRateLimitPolicy', 'shop/b', limit({}, 's', at(2)))
    .put('HTTPLocalRateLimitPolicy', 'shop/a', limit({}, 's', at(2)))
    .put('HTTPLocalRateLimitPolicy', 'shop/0-other', limit({}, 'x', at(0)))
    .put('HTTPLocalRateLimitPolicy', 'other/0-elsewhere', limit({}, 's', at(0)));
  const heard = (await start(cluster)).port(80);
  await changes(heard, (found) => nameOf(found) === 'c');
  await cluster.remove('HTTPLocalRateLimitPolicy', 'shop/c');
  await changes(heard, (found) => nameOf(found) === 'a');
  cluster.put('HTTPLocalRateLimitPolicy', 'shop/a', limit({}, 'x', at(2)));
  await changes(heard, (found) => nameOf(found) === 'b');
  await cluster.remove('Server', 'shop/s');
  await changes(heard, (found) => nameOf(found) === undefined);
  cluster.put('Server', 'shop/s', server());
  await changes(heard, (found) => nameOf(found) === 'b');
});

test('a limit that turns unreadable stays as it was last read, and the log says why', async () => {
  const cluster = shop().put('HTTPLocalRateLimitPolicy', 'shop/l', limit());
  const scene = await start(cluster);
  const heard = scene.port(80);
  await changes(heard, (found) => nameOf(found) === 'l');
  for (const requestsPerSecond of [0, -1, 1.5, '5', null])
    cluster.put('HTTPLocalRateLimitPolicy', 'shop/l', limit({ total: { requestsPerSecond } }));
  cluster.put(
    'HTTPLocalRateLimitPolicy',
    'shop/l',
    limit({ overrides: [{ requestsPerSecond: 1, clientRefs: [{ kind: 'User', name: 'x' }] }] }),
  );
  cluster.put('HTTPLocalRateLimitPolicy', 'shop/new', limit({}, 's', at(0)));
  await until(() => scene.log.lines.some((line) => line.includes('shop/l') && line.includes('ServiceAccount')));
  await changes(heard, (found) => nameOf(found) === 'new');
  await cluster.remove('HTTPLocalRateLimitPolicy', 'shop/new');
  await changes(heard, (found) => nameOf(found) === 'l' && limitOf(found)?.total?.requestsPerSecond === 10);
});

test('a rate beyond what the wire can say is the highest that it can', () => {
  const total = { requestsPerSecond: Number.MAX_SAFE_INTEGER };
  const record = readRateLimit({ metadata: { name: 'l', namespace: 'shop' }, ...limit({ total }) });
  assert.equal(record.total, 2 ** 32 - 1);
});

test('a verdict says whether a limit counts, and why not', () => {
  const record = (name: string, createdAt: string, target: string | undefined): RateLimitRecord => ({
    ...readRateLimit({ metadata: { name, namespace: 'shop', creationTimestamp: createdAt }, ...limit({}) }),
    server: target,
  });
  const [old, young, twin] = [record('b', '1', 's'), record('a', '2', 's'), record('c', '1', 's')];
  const all = [young, twin, old, record('z', '0', 'other')];
  const judge = (policy: RateLimitRecord, servers = ['s']) =>
    judgeRateLimit(policy, all, (name) => servers.includes(name));
  assert.equal(acceptedRateLimit(all, 's'), old);
  assert.equal(acceptedRateLimit(all, 'none'), undefined);
  assert.deepEqual(
    [old, young, twin].map((each) => judge(each)),
    ['accepted', 'already-exists', 'already-exists'],
  );
  assert.equal(judge(old, []), 'no-matching-target');
  assert.equal(judge(record('n', '1', undefined)), 'no-matching-target');
});
