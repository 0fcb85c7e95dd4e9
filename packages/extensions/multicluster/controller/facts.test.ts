import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AnyObject, ENDPOINT_SLICES, EVENTS, NAMESPACES, NODES, SECRETS, SERVICES } from '#api/kube';
import { FakeKubeClient } from '#kube/client';
import { FakeClock } from '#runtime/clock';
import { FakeLog } from '#runtime/log';
import { tokenIn } from '../credentials/index.ts';
import { LINKS, type Link } from '../link/index.ts';
import { LinkController } from './index.ts';
import { LIMITS } from './limits.ts';
import { StatusWriter } from './status-writer.ts';

const MC = 'linkerd-multicluster';
const START = Date.parse('2026-01-01T00:00:00Z');
const HOUR_MS = 3_600_000;
const MEMBER = { 'mirror.linkerd.io/federated': 'member' };
const TOKEN_PATH = '/api/v1/namespaces/mc/serviceaccounts/remote/token';

const jwt = (issuedMs: number, account = 'remote'): string => {
  const claims = { sub: `system:serviceaccount:mc:${account}`, iat: issuedMs / 1000, exp: (issuedMs + HOUR_MS) / 1000 };
  return `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.x`;
};
const kubeconfig = (token: string): string =>
  `{current-context: a, contexts: [{name: a, context: {cluster: a, user: a}}], clusters: [{name: a, cluster: {server: "https://a"}}], users: [{name: a, user: {token: ${token}}}]}`;
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const secret = (namespace: string, token: string): AnyObject => ({
  metadata: {
    name: 'cluster-credentials-east',
    namespace,
    labels: { 'multicluster.linkerd.io/cluster-name': 'east' },
  },
  data: { kubeconfig: base64(kubeconfig(token)) },
});
const slice = (ready: boolean[], name = 'bb-1'): AnyObject => ({
  metadata: { name, namespace: 'shop', labels: { 'kubernetes.io/service-name': 'bb' } },
  addressType: 'IPv4',
  endpoints: ready.map((each, at) => ({ addresses: [`10.0.0.${at + 1}`], conditions: { ready: each } })),
});
const node = (name: string, cidr: string): AnyObject => ({ metadata: { name }, spec: { podCIDRs: [cidr] } });
const otherLink = (podNetworks: string[]): Link => ({
  metadata: { name: 'north', namespace: MC },
  spec: { targetClusterName: 'north' },
  status: { podNetworks },
});

function setUp(token = 'lasting') {
  const ports = [{ name: 'http', port: 80 }];
  const link: Link = {
    metadata: { name: 'east', namespace: MC },
    spec: { targetClusterName: 'east', federatedServiceSelector: { matchLabels: MEMBER } },
  };
  const west = new FakeKubeClient()
    .seed(NAMESPACES, { metadata: { name: 'shop' } })
    .seed(NODES, node('w', '10.1.0.0/24'))
    .seed(LINKS, link)
    .seed(SECRETS, secret(MC, token), secret('linkerd', token));
  const east = new FakeKubeClient()
    .seed(SERVICES, { metadata: { name: 'bb', namespace: 'shop', labels: MEMBER }, spec: { ports } } as AnyObject)
    .seed(ENDPOINT_SLICES, slice([true, false]))
    .seed(NODES, node('e1', '10.2.0.0/24'), node('e2', '10.2.1.0/24'));
  const clock = new FakeClock(START);
  const start = () =>
    new LinkController(
      {
        client: west,
        clock,
        log: new FakeLog().log,
        connect: () => east,
        random: () => 0,
        lookup: () => Promise.resolve([]),
        probe: () => Promise.resolve(),
      },
      {
        link: 'east',
        namespace: MC,
        enableNamespaceCreation: false,
        enableHeadlessServices: false,
        endpointRefreshMs: 60_000,
        probeService: undefined,
        requeueLimit: 3,
        controlNamespace: 'linkerd',
        renewTokenAt: 0.7,
      },
    );
  const settle = async (ms = 500): Promise<void> => {
    for (let round = 0; round < 8; round += 1) {
      for (let turn = 0; turn < 60; turn += 1) await Promise.resolve();
      clock.advance(ms / 8);
    }
    for (let turn = 0; turn < 60; turn += 1) await Promise.resolve();
  };
  const status = () => west.all<Link>(LINKS).find(({ metadata }) => metadata.name === 'east')?.status;
  const member = () => status()?.federatedServices?.[0];
  const says = (type: string): string => {
    const found = status()?.conditions?.find((each) => each.type === type);
    return found ? `${found.status}/${found.reason}: ${found.message}` : '';
  };
  const writes = () => west.actions.filter(({ resource }) => resource === 'links/status').length;
  const tokenOf = (namespace: string): string => {
    const found = west.all<AnyObject>(SECRETS).find(({ metadata }) => metadata.namespace === namespace);
    const data = (found?.['data'] as Record<string, string> | undefined)?.['kubeconfig'] ?? '';
    return tokenIn(Buffer.from(data, 'base64').toString()) ?? '';
  };
  const events = () => west.all<AnyObject>(EVENTS).map((event) => event['reason']);
  return { west, east, clock, start, settle, status, member, says, writes, tokenOf, events };
}

test('a member has its endpoints, ports and the time of the last sync in the status', async () => {
  const { start, settle, status, member } = setUp();
  const running = start();
  await settle();
  assert.deepEqual(member()?.endpoints, { total: 2, ready: 1 });
  assert.deepEqual(member()?.ports, { total: 1, covered: 1 });
  assert.equal(member()?.lastSyncTime, '2026-01-01T00:00:00Z');
  assert.deepEqual(status()?.endpoints, { total: 2, ready: 1 });
  running.stop();
});

test('numbers that change again and again are written no sooner than every so often, and nothing when nothing does', async () => {
  const { east, start, settle, status, writes } = setUp();
  const running = start();
  await settle();
  const before = writes();
  for (let round = 0; round < 50; round += 1) {
    const { metadata } = (await east.list<AnyObject>(ENDPOINT_SLICES)).items[0] as AnyObject;
    await east.update(ENDPOINT_SLICES, { ...slice([round % 2 === 0, true]), metadata });
    await settle(1000);
  }
  await settle(LIMITS.statusCountsMs);
  const written = writes() - before;
  assert.ok(written >= 4 && written <= 7, `${written} writes in a minute`);
  assert.deepEqual(status()?.endpoints, { total: 2, ready: 1 });
  await settle(10 * LIMITS.statusCountsMs);
  assert.equal(writes() - before, written);
  running.stop();
});

test('whatever changes, a Link’s status is written no more often than its bound', async () => {
  const { west, start, settle, writes } = setUp();
  const running = start();
  await settle();
  const before = writes();
  for (let round = 0; round < 60; round += 1) {
    if (round % 2) await west.create(NAMESPACES, { metadata: { name: 'shop' } });
    else await west.delete(NAMESPACES, { name: 'shop' });
    await settle(100);
  }
  const written = writes() - before;
  assert.ok(written <= LIMITS.statusWritesMax, `${written} writes in 6 s`);
  running.stop();
});

test('what the server does not keep of a status is not written again and again', async () => {
  let patches = 0;
  const link: Link = { metadata: { name: 'east', resourceVersion: '7' } };
  const client = {
    patch: <T>() => {
      patches += 1;
      return Promise.resolve(structuredClone(link) as T);
    },
  };
  const clock = new FakeClock(START);
  const deps = { client, clock, log: new FakeLog().log, current: () => link, written: () => {} };
  const writer = new StatusWriter(deps, { name: 'east', namespace: MC });
  const say = (total: number) => () => ({
    mirrors: [
      { namespace: 'shop', name: 'bb', reason: 'Mirrored' as const, message: '', endpoints: { total, ready: 0 } },
    ],
    sync: { seen: true, sinceIso: '2026-01-01T00:00:00Z' },
  });
  for (let round = 0; round < 5; round += 1) await writer.put(say(1));
  assert.equal(patches, 1);
  await writer.put(say(2));
  assert.equal(patches, 2);
  writer.stop();
});

test('when contact is lost, the status says since when, and the numbers of that time stay', async () => {
  const { west, clock, start, settle, member, says } = setUp();
  const running = start();
  await settle();
  clock.advance(HOUR_MS);
  await west.delete(SECRETS, { name: 'cluster-credentials-east', namespace: MC });
  await settle();
  assert.match(says('RemoteReachable'), /^False\/CredentialsMissing/);
  assert.equal(member()?.lastSyncTime, '2026-01-01T01:00:00Z');
  assert.deepEqual(member()?.endpoints, { total: 2, ready: 1 });
  clock.advance(HOUR_MS);
  await west.create(SECRETS, secret(MC, 'lasting'));
  await settle();
  assert.match(`${member()?.lastSyncTime}`, /^2026-01-01T02:00:0/);
  running.stop();
});

test('pods with the addresses of pods of this cluster, or of another linked one, are told once', async () => {
  const { west, east, start, settle, status, says, events } = setUp();
  const running = start();
  await settle();
  assert.equal(says('PodNetworksDistinct'), 'True/PodNetworksDistinct: ');
  assert.deepEqual(status()?.podNetworks, ['10.2.0.0/23']);
  await east.create(NODES, node('e3', '10.1.0.0/25'));
  await settle();
  assert.equal(
    says('PodNetworksDistinct'),
    'False/PodNetworksOverlap: 10.1.0.0/25 of east overlaps 10.1.0.0/24 of this cluster',
  );
  await east.delete(NODES, { name: 'e3' });
  await west.create(LINKS, otherLink(['10.0.0.0/8']));
  await settle();
  assert.match(says('PodNetworksDistinct'), /10\.2\.0\.0\/23 of east overlaps 10\.0\.0\.0\/8 of north/);
  assert.deepEqual(events(), ['PodNetworksOverlap']);
  running.stop();
});

test('clusters that do not show their nodes, or from which nothing is dialled directly, are no matter', async () => {
  const { east, start, settle, says } = setUp();
  east.refuse = (_verb, gvr) => (gvr.resource === 'nodes' ? new Error('forbidden') : undefined);
  const running = start();
  await settle();
  assert.match(says('PodNetworksDistinct'), /^Unknown\/PodNetworksUnknown/);
  await east.delete(SERVICES, { name: 'bb', namespace: 'shop' });
  await settle();
  assert.equal(says('PodNetworksDistinct'), '');
  running.stop();
});

test('a bound token is renewed after its share of life, and both Secrets have it', async () => {
  const { east, clock, start, settle, says, tokenOf, events } = setUp(jwt(START));
  const second = jwt(START + 0.7 * HOUR_MS);
  east.answerRaw(TOKEN_PATH, { status: { token: second } }, 201);
  const running = start();
  await settle();
  assert.match(
    says('CredentialsValid'),
    /^True\/Valid: The token is good until 2026-01-01T01:00:00Z; the token is renewed/,
  );
  clock.advance(0.69 * HOUR_MS);
  await settle();
  assert.equal(tokenOf(MC), jwt(START));
  clock.advance(0.02 * HOUR_MS);
  await settle();
  assert.deepEqual([tokenOf(MC), tokenOf('linkerd')], [second, second]);
  assert.match(says('CredentialsValid'), /^True\/Valid: The token is good until 2026-01-01T01:42:00Z/);
  assert.deepEqual(events(), ['CredentialsRenewed']);
  running.stop();
});

test('a renewal that is refused is told once and tried again with growing pauses, then has ended', async () => {
  const { east, clock, start, settle, says, events } = setUp(jwt(START));
  const refused = { kind: 'Status', code: 403, reason: 'Forbidden', message: 'serviceaccounts "remote" is forbidden' };
  east.answerRaw(TOKEN_PATH, refused, 403);
  const running = start();
  await settle();
  clock.advance(0.71 * HOUR_MS);
  await settle(20_000);
  assert.match(
    says('CredentialsValid'),
    /^False\/RenewalFailed: Serviceaccounts "remote" is forbidden; the token is good/,
  );
  clock.advance(LIMITS.renewMsMax);
  await settle();
  assert.deepEqual(events(), ['CredentialsRenewalFailed']);
  clock.advance(0.3 * HOUR_MS);
  await settle(LIMITS.renewMsMax);
  assert.match(says('CredentialsValid'), /^False\/Expired: The token ended at/);
  running.stop();
});

test('a cluster that answers with anything but a later token of the account is not believed', async () => {
  for (const answer of ['nonsense', jwt(START), jwt(START + HOUR_MS, 'else')]) {
    const { east, clock, start, settle, says, tokenOf } = setUp(jwt(START));
    east.answerRaw(TOKEN_PATH, { status: { token: answer } }, 201);
    const running = start();
    await settle();
    clock.advance(0.71 * HOUR_MS);
    await settle();
    assert.match(
      says('CredentialsValid'),
      /RenewalFailed: The cluster gave something else than a later token of mc\/remote/,
    );
    assert.equal(tokenOf(MC), jwt(START));
    running.stop();
  }
});

test('credentials of a Link that is gone are not renewed', async () => {
  const { west, east, clock, start, settle, tokenOf } = setUp(jwt(START));
  east.answerRaw(TOKEN_PATH, { status: { token: jwt(START + HOUR_MS) } }, 201);
  const running = start();
  await settle();
  await west.delete(LINKS, { name: 'east', namespace: MC });
  clock.advance(0.8 * HOUR_MS);
  await settle();
  assert.equal(tokenOf(MC), jwt(START));
  running.stop();
});

test('the other Secret gets the newer token of its own account only', async () => {
  for (const [theirs, isReplaced] of [
    [jwt(START - HOUR_MS / 2), true],
    [jwt(START + HOUR_MS), false],
    [jwt(START - HOUR_MS / 2, 'else'), false],
    ['lasting', false],
  ] as const) {
    const { west, start, settle, tokenOf } = setUp(jwt(START));
    west.seed(SECRETS, secret('linkerd', theirs));
    const running = start();
    await settle();
    assert.equal(tokenOf('linkerd'), isReplaced ? jwt(START) : theirs);
    running.stop();
  }
});

test('a Secret of the control plane that may not be written is told', async () => {
  const { west, start, settle, says } = setUp(jwt(START));
  west.seed(SECRETS, secret('linkerd', jwt(START - HOUR_MS / 2)));
  west.refuse = (verb, gvr) => (verb === 'update' && gvr.resource === 'secrets' ? new Error('forbidden') : undefined);
  const running = start();
  await settle();
  assert.match(
    says('CredentialsValid'),
    /^False\/RenewalFailed: Secret linkerd\/cluster-credentials-east, .*forbidden/,
  );
  running.stop();
});
