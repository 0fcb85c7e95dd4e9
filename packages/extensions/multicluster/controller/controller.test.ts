import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AnyObject, EVENTS, NAMESPACES, SECRETS, SERVICES } from '#api/kube';
import { ApiError, FakeKubeClient } from '#kube/client';
import { FakeClock } from '#runtime/clock';
import { FakeLog } from '#runtime/log';
import { LINKS, type Link } from '../link/index.ts';
import { LinkController, type LinkControllerOptions, LocalController } from './index.ts';

const MC = 'linkerd-multicluster';
const MEMBER = { 'mirror.linkerd.io/federated': 'member' };

const namespace = (name: string): AnyObject => ({ metadata: { name } });
const bb = (labels: Record<string, string> = MEMBER): AnyObject => ({
  metadata: { name: 'bb', namespace: 'mc-demo', labels },
  spec: { clusterIP: '10.1.1.1', ports: [{ name: 'http', port: 8080, targetPort: 8080, protocol: 'TCP' }] },
});
const secret = (text: string): AnyObject => ({
  metadata: { name: 'cluster-credentials-east', namespace: MC },
  data: { kubeconfig: Buffer.from(text).toString('base64') },
});
const link = (): Link => ({
  metadata: { name: 'east', namespace: MC },
  spec: {
    targetClusterName: 'east',
    clusterCredentialsSecret: 'cluster-credentials-east',
    federatedServiceSelector: { matchLabels: MEMBER },
  },
});

function setUp() {
  const west = new FakeKubeClient();
  const remotes = new Map<string, FakeKubeClient>();
  const clock = new FakeClock(Date.parse('2026-01-01T00:00:00Z'));
  const { log } = new FakeLog();
  west.seed(NAMESPACES, namespace('mc-demo'));
  const outside = {
    lookup: (_host: string): Promise<string[]> => Promise.resolve([]),
    probe: (_url: string): Promise<void> => Promise.resolve(),
  };
  const controller = (options: Partial<LinkControllerOptions> = {}) =>
    new LinkController(
      {
        client: west,
        clock,
        log,
        connect: (text) => {
          const remote = remotes.get(text);
          if (!remote) throw new Error(`not a kubeconfig: ${text}`);
          return remote;
        },
        random: () => 0,
        lookup: (host) => outside.lookup(host),
        probe: (url) => outside.probe(url),
      },
      {
        link: 'east',
        namespace: MC,
        enableNamespaceCreation: false,
        enableHeadlessServices: false,
        endpointRefreshMs: 60_000,
        probeService: 'probe-east',
        requeueLimit: 3,
        controlNamespace: 'linkerd',
        renewTokenAt: 0.7,
        ...options,
      },
    );
  const settle = async (ms = 50): Promise<void> => {
    for (let round = 0; round < 4; round += 1) {
      for (let turn = 0; turn < 40; turn += 1) await Promise.resolve();
      clock.advance(ms / 4);
    }
    for (let turn = 0; turn < 40; turn += 1) await Promise.resolve();
  };
  const status = () => west.all<Link>(LINKS)[0]?.status;
  const federated = () => west.all<AnyObject>(SERVICES).find(({ metadata }) => metadata.name === 'bb-federated');
  return { west, remotes, clock, outside, controller, settle, status, federated };
}

test('a labelled remote service becomes a federated service, and the Link says so', async () => {
  const { west, remotes, controller, settle, status, federated } = setUp();
  remotes.set('east', new FakeKubeClient().seed(SERVICES, bb()));
  west.seed(LINKS, link()).seed(SECRETS, secret('east'));
  const running = controller();
  await settle();
  assert.equal(federated()?.metadata.annotations?.['multicluster.linkerd.io/remote-discovery'], 'bb@east');
  assert.equal(status()?.federatedServices?.[0]?.conditions[0]?.status, 'True');
  assert.equal(status()?.conditions?.[0]?.status, 'True');
  const writes = west.actions.length;
  await settle();
  assert.equal(west.actions.length, writes, 'nothing is written while nothing changes');
  await west.delete(LINKS, { name: 'east', namespace: MC });
  await settle();
  assert.equal(federated(), undefined);
  running.stop();
});

test('a remote cluster that cannot be reached is said in the status, and what stands stays', async () => {
  const { west, remotes, controller, settle, status, federated } = setUp();
  const east = new FakeKubeClient().seed(SERVICES, bb());
  remotes.set('east', east);
  west.seed(LINKS, link()).seed(SECRETS, secret('east'));
  const first = controller();
  await settle();
  first.stop();
  east.refuse = () => new Error('connect ECONNREFUSED 10.0.0.1:6443');
  const second = controller();
  await settle();
  assert.deepEqual(
    [status()?.conditions?.[0]?.reason, status()?.conditions?.[0]?.message],
    [
      'Unreachable',
      'Expected the API server to answer; saw: connect ECONNREFUSED 10.0.0.1:6443. Look at the address in the kubeconfig, whether that cluster runs, and at firewalls between the clusters.',
    ],
  );
  assert.equal(status()?.federatedServices?.length, 1);
  assert.ok(federated());
  second.stop();
});

test('credentials that are missing, wrong, then right, then changed are taken up without a restart', async () => {
  const { west, remotes, controller, settle, status, federated } = setUp();
  remotes.set('east', new FakeKubeClient().seed(SERVICES, bb()));
  remotes.set('rotated', new FakeKubeClient().seed(SERVICES, bb({})));
  west.seed(LINKS, link());
  const running = controller();
  const reason = (): string | undefined => status()?.conditions?.[0]?.reason;
  await settle();
  assert.equal(reason(), 'CredentialsMissing');
  west.seed(SECRETS, secret('nonsense'));
  await settle();
  assert.equal(reason(), 'CredentialsInvalid');
  west.seed(SECRETS, secret('east'));
  await settle();
  assert.deepEqual([reason(), federated() !== undefined], ['Connected', true]);
  west.seed(SECRETS, secret('rotated'));
  await settle();
  assert.equal(federated(), undefined);
  running.stop();
});

test('a cluster that is left for another way into it has no say any more, though watches there still fail', async () => {
  const { west, remotes, controller, settle, status } = setUp();
  const east = new FakeKubeClient().seed(SERVICES, bb());
  const nowhere = new FakeKubeClient();
  nowhere.refuse = () => new Error('connect ECONNREFUSED 192.0.2.1:6443');
  remotes.set('east', east).set('nowhere', nowhere);
  west.seed(LINKS, link()).seed(SECRETS, secret('east'));
  const running = controller();
  const reason = (): string | undefined => status()?.conditions?.[0]?.reason;
  await settle();
  for (const [text, wanted] of [
    ['nowhere', 'Unreachable'],
    ['east', 'Connected'],
  ] as const) {
    west.seed(SECRETS, secret(text));
    await settle();
    await settle(20_000);
    assert.equal(reason(), wanted);
  }
  running.stop();
});

test('a write that fails is in the status and tried again for ever', async () => {
  const { west, remotes, controller, settle, status, federated } = setUp();
  remotes.set('east', new FakeKubeClient().seed(SERVICES, bb()));
  west.seed(LINKS, link()).seed(SECRETS, secret('east'));
  west.refuse = (verb, gvr) =>
    verb === 'create' && gvr.resource === 'services' ? ApiError.of(403, 'Forbidden', 'quota') : undefined;
  const running = controller();
  await settle();
  const condition = () => status()?.federatedServices?.[0]?.conditions[0];
  assert.deepEqual([condition()?.reason, condition()?.message], ['Error', 'Failed to create federated service: quota']);
  west.refuse = undefined;
  await settle(5_000);
  assert.deepEqual([condition()?.reason, federated() !== undefined], ['Mirrored', true]);
  running.stop();
});

test('a missing namespace is announced once, and the service follows when it comes', async () => {
  const { west, remotes, controller, settle, status, federated } = setUp();
  remotes.set('east', new FakeKubeClient().seed(SERVICES, bb()));
  west.seed(LINKS, link()).seed(SECRETS, secret('east'));
  await west.delete(NAMESPACES, { name: 'mc-demo' });
  const running = controller();
  await settle();
  await west.create(SERVICES, { ...bb({}), metadata: { name: 'x', namespace: 'default' } });
  await settle();
  assert.equal(status()?.federatedServices?.[0]?.conditions[0]?.reason, 'MissingNamespace');
  assert.deepEqual(
    west.all<AnyObject>(EVENTS).map((event) => event['reason']),
    ['ServiceMirroringSkipped'],
  );
  await west.create(NAMESPACES, namespace('mc-demo'));
  await settle();
  assert.ok(federated());
  running.stop();
});

test('an update keeps what the cluster gave the service and replaces what the member says', async () => {
  const { west, remotes, controller, settle, federated } = setUp();
  const east = new FakeKubeClient().seed(SERVICES, bb());
  remotes.set('east', east);
  west.seed(LINKS, link()).seed(SECRETS, secret('east'));
  const running = controller();
  await settle();
  const ref = { name: 'bb-federated', namespace: 'mc-demo' };
  await west.patch(SERVICES, ref, { type: 'merge', body: { spec: { clusterIP: '10.9.9.9' } } });
  const ports = [{ name: 'http', port: 81 }];
  await east.patch(SERVICES, { name: 'bb', namespace: 'mc-demo' }, { type: 'merge', body: { spec: { ports } } });
  await settle();
  assert.deepEqual(federated()?.['spec'], { clusterIP: '10.9.9.9', ports });
  running.stop();
});

test('the local controller joins local members and clears away after Links that are gone', async () => {
  const { west, clock, settle, federated } = setUp();
  west.seed(SERVICES, bb()).seed(LINKS, link());
  const running = new LocalController(
    { client: west, clock, log: new FakeLog().log },
    {
      namespace: MC,
      federatedServiceSelector: { matchLabels: MEMBER },
      excludedLabels: [],
      excludedAnnotations: [],
      clusterName: 'west',
    },
  );
  await settle();
  assert.equal(federated()?.metadata.annotations?.['multicluster.linkerd.io/local-discovery'], 'bb');
  const annotations = { 'multicluster.linkerd.io/remote-discovery': 'bb@east,bb@gone' };
  await west.patch(
    SERVICES,
    { name: 'bb-federated', namespace: 'mc-demo' },
    { type: 'merge', body: { metadata: { annotations } } },
  );
  await settle();
  assert.equal(federated()?.metadata.annotations?.['multicluster.linkerd.io/remote-discovery'], 'bb@east');
  running.stop();
});
