import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { type AnyObject, CONFIG_MAPS, EVENTS, type KubeObject, NAMESPACES, SECRETS, SERVICES } from '#api/kube';
import type { LinkedObserver } from '#control/linked';
import { AnswerFault, ApiError, FakeKubeClient, NoAnswer, type WatchSink } from '#kube/client';
import { FakeClock } from '#runtime/clock';
import { FakeLog } from '#runtime/log';
import { x509 } from '#runtime/x509';
import { LINKS, type Link } from '../link/index.ts';
import { LinkController } from './index.ts';
import type { RemoteClient } from './remote-cluster.ts';

const MC = 'linkerd-multicluster';
const FLAT = { 'mirror.linkerd.io/exported': 'remote-discovery' };

const web = (labels: Record<string, string> = FLAT): AnyObject => ({
  metadata: { name: 'web', namespace: 'shop', labels },
  spec: { clusterIP: '10.1.1.1', ports: [{ name: 'http', port: 80 }] },
});
const secret = (kubeconfig: string, labels: Record<string, string> = {}): AnyObject => ({
  metadata: { name: 'cluster-credentials-east', namespace: MC, labels },
  data: { kubeconfig: Buffer.from(kubeconfig).toString('base64') },
});
const link: Link = {
  metadata: { name: 'east', namespace: MC },
  spec: {
    targetClusterName: 'east',
    clusterCredentialsSecret: 'cluster-credentials-east',
    remoteDiscoverySelector: { matchLabels: FLAT },
  },
};

/** A remote cluster whose watches can be made to fail. */
class Remote implements RemoteClient {
  readonly kube = new FakeKubeClient();
  readonly sinks = new Map<string, WatchSink<never>>();
  create: RemoteClient['create'] = (...args) => this.kube.create(...args);
  raw: RemoteClient['raw'] = (...args) => this.kube.raw(...args);
  close(): void {}
  watch: RemoteClient['watch'] = (gvr, options, sink) => {
    this.sinks.set(gvr.resource, sink as unknown as WatchSink<never>);
    return this.kube.watch(gvr, options, sink);
  };
  fail(error: Error, resource = 'services'): void {
    this.sinks.get(resource)?.failed?.({ error, attempt: 1, retryInMs: 1 });
  }
  recover(resource = 'services'): void {
    this.sinks.get(resource)?.recovered?.();
  }
}

function setUp() {
  const west = new FakeKubeClient().seed(NAMESPACES, { metadata: { name: 'shop' } });
  const east = new Remote();
  const clock = new FakeClock(Date.parse('2026-01-01T00:00:00Z'));
  const said: string[][] = [];
  let observer: LinkedObserver | undefined;
  const start = () =>
    new LinkController(
      {
        client: west,
        clock,
        log: new FakeLog().log,
        connect: (text, looks) => {
          if (text !== 'east') throw new Error(`bad indentation\n  token: ${text}`);
          observer = looks;
          return east;
        },
        random: () => 0,
        lookup: () => Promise.resolve([]),
        probe: () => Promise.resolve(),
        onReachable: (_cluster, reachable, faults) => said.push([String(reachable), ...faults]),
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
  const settle = async (ms = 50): Promise<void> => {
    for (let round = 0; round < 4; round += 1) {
      for (let turn = 0; turn < 60; turn += 1) await Promise.resolve();
      clock.advance(ms / 4);
    }
    for (let turn = 0; turn < 60; turn += 1) await Promise.resolve();
  };
  const condition = (type = 'RemoteReachable') =>
    west.all<Link>(LINKS)[0]?.status?.conditions?.find((each) => each.type === type);
  const events = () => west.all<AnyObject>(EVENTS).map((event) => event['reason']);
  const mirror = () => west.all<AnyObject>(SERVICES).find(({ metadata }) => metadata.name === 'web-east');
  return { west, east, clock, said, start, settle, condition, events, mirror, observer: () => observer };
}

const FAILURES: [Error, reason: string, seen: RegExp][] = [
  [ApiError.of(401, 'Unauthorized', 'token is expired'), 'CredentialsRefused', /HTTP 401: token is expired/],
  [ApiError.of(403, 'Forbidden', 'may not list'), 'AccessDenied', /HTTP 403.*weft multicluster allow/],
  [ApiError.of(500, 'InternalError', 'no etcd'), 'ServerError', /HTTP 500: no etcd/],
  [new NoAnswer('no answer within 30000 ms'), 'NoAnswer', /no answer within 30000 ms/],
  [new AnswerFault('TooManyObjects', 'more than 10000 services'), 'TooManyObjects', /more than 10000 services/],
  [new AnswerFault('InvalidAnswer', 'got kind "Pod"'), 'InvalidAnswer', /got kind "Pod"/],
];
for (const [error, reason, seen] of FAILURES)
  test(`${reason}: in the condition, an event and the metric; the mirror stays; gone when it is over`, async () => {
    const { west, east, said, start, settle, condition, events, mirror } = setUp();
    east.kube.seed(SERVICES, web());
    west.seed(LINKS, link).seed(SECRETS, secret('east'));
    const running = start();
    await settle();
    assert.equal(condition()?.reason, 'Connected');
    east.fail(error);
    await settle();
    assert.deepEqual([condition()?.status, condition()?.reason], ['False', reason]);
    assert.match(condition()?.message ?? '', seen);
    assert.match(condition()?.message ?? '', /^Expected .+; saw: .+\. [A-Z].+\.$/);
    assert.deepEqual([events(), said.at(-1)], [[reason], ['false', reason]]);
    assert.ok(mirror());
    east.recover();
    await settle();
    assert.equal(condition()?.reason, 'Connected');
    assert.deepEqual([events(), said.at(-1)], [[reason, 'Connected'], ['true']]);
    running.stop();
  });

test('Secrets that are no credentials of this cluster are named, and their text is not', async () => {
  const { west, start, settle, condition } = setUp();
  const bad: [AnyObject, reason: string, seen: RegExp][] = [
    [{ ...secret('east'), data: {} }, 'CredentialsInvalid', /Secret .*cluster-credentials-east without it/],
    [secret('s3cret'), 'CredentialsInvalid', /saw: Secret .*: bad indentation\. /],
    [
      secret('east', { 'multicluster.linkerd.io/cluster-name': 'north' }),
      'CredentialsOfOther',
      /label multicluster\.linkerd\.io\/cluster-name=north/,
    ],
  ];
  west.seed(LINKS, link);
  const running = start();
  await settle();
  assert.equal(condition()?.reason, 'CredentialsMissing');
  for (const [object, reason, seen] of bad) {
    west.seed(SECRETS, object);
    await settle();
    assert.equal(condition()?.reason, reason);
    assert.match(condition()?.message ?? '', seen);
    assert.doesNotMatch(condition()?.message ?? '', /s3cret/);
  }
  running.stop();
});

test('credentials that open the own cluster mirror nothing', async () => {
  const { west, east, start, settle, condition, mirror } = setUp();
  const api = { metadata: { name: 'kubernetes', namespace: 'default', uid: 'u-1' }, spec: {} } as AnyObject;
  west.seed(SERVICES, api).seed(LINKS, link).seed(SECRETS, secret('east'));
  east.kube.seed(SERVICES, api, web());
  const running = start();
  await settle();
  assert.equal(condition()?.reason, 'OwnCluster');
  assert.equal(mirror(), undefined);
  running.stop();
});

test('what is left out of objects has a condition and an event until it is used again', async () => {
  const { west, start, settle, condition, events, said, observer } = setUp();
  west.seed(LINKS, link).seed(SECRETS, secret('east'));
  const running = start();
  await settle();
  for (let at = 0; at < 5; at += 1)
    observer()?.refused(`endpointslices shop/web-${at}`, '127.0.0.1 is a loopback address');
  await settle();
  assert.equal(condition('ContentAccepted')?.reason, 'AddressesRefused');
  assert.match(condition('ContentAccepted')?.message ?? '', /shop\/web-0: 127\.0\.0\.1 is a loop.*; and of 2 more\./);
  assert.deepEqual([events(), said.at(-1)], [['AddressesRefused'], ['true', 'AddressesRefused']]);
  for (let at = 0; at < 5; at += 1) observer()?.refused(`endpointslices shop/web-${at}`, undefined);
  await settle();
  assert.equal(condition('ContentAccepted'), undefined);
  running.stop();
});

test('a mirror that a selector matches is not mirrored on, and that is said', async () => {
  const { west, east, start, settle } = setUp();
  const made = { ...FLAT, 'mirror.linkerd.io/mirrored-service': 'true', 'mirror.linkerd.io/cluster-name': 'north' };
  east.kube.seed(SERVICES, web(made));
  west.seed(LINKS, link).seed(SECRETS, secret('east'));
  const running = start();
  await settle();
  const [said] = west.all<Link>(LINKS)[0]?.status?.mirrorServices ?? [];
  assert.equal(said?.conditions[0]?.reason, 'InvalidService');
  assert.match(said?.conditions[0]?.message ?? '', /a mirror of a service of cluster north, which is not mirrored on/);
  assert.equal(west.all(SERVICES).length, 0);
  running.stop();
});

test('labels and annotations that webhooks and people add to mirrors stay, and nobody fights about them', async () => {
  const { west, east, start, settle, mirror } = setUp();
  west.admit = ({ kind, metadata }: KubeObject) => {
    if (kind === 'Service') metadata.annotations = { ...metadata.annotations, 'policy.example/checked': 'yes' };
  };
  east.kube.seed(SERVICES, web({ ...FLAT, tier: 'front' }));
  west.seed(LINKS, link).seed(SECRETS, secret('east'));
  const running = start();
  await settle();
  assert.equal(mirror()?.metadata.annotations?.['policy.example/checked'], 'yes');
  const writes = () => west.actions.filter(({ resource }) => resource === 'services').length;
  const before = writes();
  await settle(5_000);
  assert.equal(writes(), before, 'nothing is written while nothing changes');
  const ref = { name: 'web', namespace: 'shop' };
  await east.kube.patch(SERVICES, ref, { type: 'merge', body: { metadata: { labels: { tier: null, level: 'one' } } } });
  await settle();
  assert.deepEqual([mirror()?.metadata.labels?.['tier'], mirror()?.metadata.labels?.['level']], [undefined, 'one']);
  assert.equal(mirror()?.metadata.annotations?.['policy.example/checked'], 'yes');
  running.stop();
});

test('who changes a mirror back each time is written against ever less often, and named', async () => {
  const { west, east, start, settle } = setUp();
  west.admit = ({ kind, metadata }: KubeObject) => {
    if (kind === 'Service') metadata.labels = { ...metadata.labels, tier: 'changed' };
  };
  east.kube.seed(SERVICES, web({ ...FLAT, tier: 'front' }));
  west.seed(LINKS, link).seed(SECRETS, secret('east'));
  const running = start();
  for (let minute = 0; minute < 30; minute += 1) await settle(60_000);
  const writes = west.actions.filter(({ resource, verb }) => resource === 'services' && verb === 'update').length;
  assert.ok(writes >= 5 && writes < 25, `${writes} writes in half an hour`);
  const [said] = west.all<Link>(LINKS)[0]?.status?.mirrorServices ?? [];
  assert.match(
    said?.conditions[0]?.message ?? '',
    /Failed to update mirror service: somebody changes it back each time/,
  );
  running.stop();
});

async function root(name: string): Promise<{ pem: string; fingerprint: string }> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const made = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    keys,
    signingAlgorithm: algorithm,
  });
  const pem = `${made.toString('pem')}\n`;
  return { pem, fingerprint: new X509Certificate(pem).fingerprint256 };
}

test('a foreign trust root is named with the cluster and both fingerprints', async () => {
  const { west, east, start, settle, condition, events } = setUp();
  const [one, other] = [await root('one'), await root('other')];
  west.seed(CONFIG_MAPS, {
    metadata: { name: 'linkerd-identity-trust-roots', namespace: 'linkerd' },
    data: { 'ca-bundle.crt': one.pem },
  } as AnyObject);
  const theirs = (pem: string) =>
    east.kube.answerRaw('/api/v1/namespaces/linkerd/configmaps/linkerd-config', {
      data: { values: `identityTrustAnchorsPEM: ${JSON.stringify(pem)}` },
    });
  theirs(other.pem);
  west.seed(LINKS, link).seed(SECRETS, secret('east'));
  const running = start();
  await settle(400);
  assert.equal(condition('TrustShared')?.reason, 'ForeignTrustRoot');
  const message = condition('TrustShared')?.message ?? '';
  assert.ok(message.includes(`saw: SHA-256 ${other.fingerprint} in east, ${one.fingerprint} here.`), message);
  assert.deepEqual(events(), ['ForeignTrustRoot']);
  theirs(other.pem + one.pem);
  await settle(240_000);
  assert.equal(condition('TrustShared')?.reason, 'TrustRootShared');
  running.stop();
});
