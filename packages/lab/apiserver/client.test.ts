import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AnyObject } from '#api/kube';
import { type ApiError, hasReason } from '#lab/contract';
import { createClient } from './client.ts';
import { memoryCore } from './memory-core.fake.ts';

const CONFIG_MAPS = { group: '', version: 'v1', resource: 'configmaps' };
const PODS = { group: '', version: 'v1', resource: 'pods' };
const SERVICES = { group: '', version: 'v1', resource: 'services' };
const DEPLOYMENTS = { group: 'apps', version: 'v1', resource: 'deployments' };
const NAMESPACES = { group: '', version: 'v1', resource: 'namespaces' };

function setUp() {
  const core = memoryCore();
  const user = { name: 'system:admin', groups: ['system:masters'] };
  const lines: string[] = [];
  const outlets = { warn: () => undefined, log: (line: string) => void lines.push(line) };
  return { core, lines, client: createClient(core, { user, fieldManager: 'test' }, outlets) };
}

const configMap = (name: string, data: Record<string, string> = {}): AnyObject => ({
  metadata: { name, namespace: 'default' },
  data,
});

const settled = () => new Promise((resolve) => setImmediate(resolve));

const message = async (work: Promise<unknown>): Promise<string> => {
  const error = await work.then(
    () => assert.fail('should have been refused'),
    (error: ApiError) => error,
  );
  return `${error.code} ${error.reason}: ${error.message}`;
};

test('a created object gets type, uid, time, revision and its maker in managedFields', async () => {
  const { client } = setUp();
  const made = await client.create(CONFIG_MAPS, configMap('a', { x: '1' }));
  assert.equal(made.apiVersion, 'v1');
  assert.equal(made.kind, 'ConfigMap');
  assert.match(made.metadata.uid ?? '', /^[0-9a-f-]{36}$/);
  assert.equal(made.metadata.creationTimestamp, '2026-11-21T10:00:00Z');
  assert.equal(made.metadata.resourceVersion, '2');
  assert.deepEqual(
    made.metadata.managedFields?.map(({ manager, operation }) => [manager, operation]),
    [['test', 'Update']],
  );
  assert.ok(Object.isFrozen(made.metadata));
});

test('refusals carry the texts of Kubernetes', async () => {
  const { client } = setUp();
  const made = await client.create(CONFIG_MAPS, configMap('a'));
  assert.equal(
    await message(client.create(CONFIG_MAPS, configMap('a'))),
    '409 AlreadyExists: configmaps "a" already exists',
  );
  assert.equal(await message(client.get(DEPLOYMENTS, 'd', 'default')), '404 NotFound: deployments.apps "d" not found');
  await client.update(CONFIG_MAPS, { ...made, data: { x: '1' } });
  assert.equal(
    await message(client.update(CONFIG_MAPS, { ...made, data: { x: '2' } })),
    '409 Conflict: Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to the latest version and try again',
  );
  assert.equal(
    await message(client.create(CONFIG_MAPS, made)),
    '500 : resourceVersion should not be set on objects to be created',
  );
});

test('an update that changes nothing keeps the revision and reaches no watch', async () => {
  const { client, core } = setUp();
  const made = await client.create(CONFIG_MAPS, configMap('a', { x: '1' }));
  core.clock.nowMs += 60_000;
  const again = await client.update(CONFIG_MAPS, made);
  assert.equal(again.metadata.resourceVersion, made.metadata.resourceVersion);
});

test('a watch hears the present set, then changes in order, by its selector', async () => {
  const { client } = setUp();
  await client.create(CONFIG_MAPS, {
    ...configMap('a'),
    metadata: { name: 'a', namespace: 'default', labels: { app: 'x' } },
  });
  const heard: string[] = [];
  const stop = client.watch(
    CONFIG_MAPS,
    { labelSelector: 'app=x' },
    {
      reset: (objects) => heard.push(`reset ${objects.map(({ metadata }) => metadata.name)}`),
      applied: (object, old) => heard.push(`applied ${object.metadata.name} ${old ? 'again' : 'new'}`),
      deleted: (object) => heard.push(`deleted ${object.metadata.name}`),
    },
  );
  const b = await client.create(CONFIG_MAPS, configMap('b'));
  await client.patch(
    CONFIG_MAPS,
    { name: 'b', namespace: 'default' },
    { type: 'merge', body: { metadata: { labels: { app: 'x' } } } },
  );
  await client.patch(CONFIG_MAPS, { name: 'b', namespace: 'default' }, { type: 'merge', body: { data: { y: '1' } } });
  await client.patch(
    CONFIG_MAPS,
    { name: 'b', namespace: 'default' },
    { type: 'merge', body: { metadata: { labels: null } } },
  );
  await client.delete(CONFIG_MAPS, { name: 'a', namespace: 'default' });
  await settled();
  stop();
  assert.ok(b);
  assert.deepEqual(heard, ['reset a', 'applied b new', 'applied b again', 'deleted b', 'deleted a']);
});

test('a spec change counts the generation, a status change does not and leaves the spec alone', async () => {
  const { client } = setUp();
  const template = { metadata: { labels: { app: 'd' } }, spec: { containers: [{ name: 'c', image: 'i' }] } };
  const spec = { replicas: 1, selector: { matchLabels: { app: 'd' } }, template };
  const made = await client.create<AnyObject>(DEPLOYMENTS, { metadata: { name: 'd', namespace: 'default' }, spec });
  assert.equal(made.metadata.generation, 1);
  const scaled = await client.update<AnyObject>(DEPLOYMENTS, {
    ...made,
    spec: { ...spec, replicas: 2 },
    status: { replicas: 9 },
  });
  assert.equal(scaled.metadata.generation, 2);
  assert.deepEqual(scaled['status'], {});
  const observed = await client.update<AnyObject>(
    DEPLOYMENTS,
    { ...scaled, spec: {}, status: { replicas: 2 } },
    'status',
  );
  assert.equal(observed.metadata.generation, 2);
  assert.deepEqual(observed['spec'], scaled['spec']);
  assert.equal((scaled['spec'] as { replicas: number }).replicas, 2);
  assert.deepEqual(observed['status'], { replicas: 2 });
});

test('finalizers hold a deletion back until the last one is dropped', async () => {
  const { client } = setUp();
  const made = await client.create(CONFIG_MAPS, {
    ...configMap('a'),
    metadata: { name: 'a', namespace: 'default', finalizers: ['example.com/x'] },
  });
  await client.delete(CONFIG_MAPS, { name: 'a', namespace: 'default' });
  const held = await client.get(CONFIG_MAPS, 'a', 'default');
  assert.equal(held.metadata.deletionTimestamp, '2026-11-21T10:00:00Z');
  assert.match(
    await message(
      client.patch(
        CONFIG_MAPS,
        { name: 'a', namespace: 'default' },
        { type: 'merge', body: { metadata: { finalizers: ['example.com/x', 'example.com/y'] } } },
      ),
    ),
    /^422 Invalid: ConfigMap "a" is invalid: metadata.finalizers: Forbidden: no new finalizers can be added/,
  );
  await client.patch(
    CONFIG_MAPS,
    { name: 'a', namespace: 'default' },
    { type: 'merge', body: { metadata: { finalizers: null } } },
  );
  await assert.rejects(client.get(CONFIG_MAPS, 'a', 'default'), (error) => hasReason(error, 'NotFound'));
  assert.ok(made);
});

test('a pod on a node is deleted gracefully, one without a node at once', async () => {
  const { client } = setUp();
  const pod = (name: string): AnyObject => ({
    metadata: { name, namespace: 'default' },
    spec: { containers: [{ name: 'c', image: 'i' }] },
  });
  await client.create(PODS, pod('a'));
  await client.create(PODS, pod('b'));
  await client.bind({ name: 'a', namespace: 'default' }, 'node-1');
  assert.match(
    await message(client.bind({ name: 'a', namespace: 'default' }, 'node-2')),
    /^409 Conflict: Operation cannot be fulfilled on pods "a": pod a is already assigned to node "node-1"/,
  );
  await client.delete(PODS, { name: 'a', namespace: 'default' });
  await client.delete(PODS, { name: 'b', namespace: 'default' });
  const { items } = await client.list(PODS, { fieldSelector: 'spec.nodeName=node-1' });
  assert.deepEqual(
    items.map(({ metadata }) => [metadata.name, metadata.deletionTimestamp]),
    [['a', '2026-11-21T10:00:30Z']],
  );
  await client.delete(PODS, { name: 'a', namespace: 'default' }, { gracePeriodSeconds: 0 });
  assert.deepEqual((await client.list(PODS)).items, []);
});

test('services get addresses of the range, keep them over updates and give them back', async () => {
  const { client } = setUp();
  const service = (name: string, spec: object): AnyObject => ({
    metadata: { name, namespace: 'default' },
    spec: spec as never,
  });
  const a = await client.create<AnyObject>(SERVICES, service('a', { ports: [{ port: 80 }], clusterIP: '10.96.0.1' }));
  assert.deepEqual((a['spec'] as { clusterIPs: string[] }).clusterIPs, ['10.96.0.1']);
  assert.match(
    await message(client.create(SERVICES, service('b', { ports: [{ port: 80 }], clusterIP: '10.96.0.1' }))),
    /^422 Invalid: Service "b" is invalid: spec.clusterIPs: Invalid value: \["10.96.0.1"\]: failed to allocate IP 10.96.0.1: provided IP is already allocated$/,
  );
  assert.match(
    await message(client.create(SERVICES, service('b', { ports: [{ port: 80 }], clusterIP: '10.1.0.1' }))),
    /not in the valid range. The range of valid IPs is 10.96.0.0\/16$/,
  );
  const c = await client.create<AnyObject>(SERVICES, service('c', { type: 'NodePort', ports: [{ port: 80 }] }));
  const { clusterIP, ports } = c['spec'] as { clusterIP: string; ports: { nodePort: number }[] };
  assert.equal(clusterIP, '10.96.0.16');
  assert.equal(ports[0]?.nodePort, 30_000);
  const changed = await client.update<AnyObject>(
    SERVICES,
    service('c', { type: 'NodePort', ports: [{ port: 80 }], selector: { a: 'b' } }),
  );
  assert.equal((changed['spec'] as { clusterIP: string }).clusterIP, clusterIP);
  assert.equal((changed['spec'] as { ports: { nodePort: number }[] }).ports[0]?.nodePort, 30_000);
  await client.delete(SERVICES, { name: 'a', namespace: 'default' });
  await client.create(SERVICES, service('b', { ports: [{ port: 80 }], clusterIP: '10.96.0.1' }));
});

test('a load balancer with policy Local has a port for health checks, which stays until the policy changes', async () => {
  const { client } = setUp();
  const service = (name: string, spec: object): AnyObject => ({
    metadata: { name, namespace: 'default' },
    spec: { type: 'LoadBalancer', ports: [{ port: 80, nodePort: 30_100 }], ...spec },
  });
  const healthOf = (object: AnyObject) => (object['spec'] as { healthCheckNodePort?: number }).healthCheckNodePort;
  const local = { externalTrafficPolicy: 'Local' };
  const made = await client.create<AnyObject>(SERVICES, service('a', local));
  const port = healthOf(made) ?? 0;
  assert.ok(port >= 30_000 && port <= 32_767);
  assert.equal(healthOf(await client.update<AnyObject>(SERVICES, service('a', local))), port);
  const refused = (spec: object) => message(client.update(SERVICES, service('a', { ...local, ...spec })));
  assert.match(
    await refused({ healthCheckNodePort: 31_111 }),
    /healthCheckNodePort: Invalid value: 31111: field is immutable/,
  );
  assert.match(
    await refused({ loadBalancerClass: 'a/b' }),
    /loadBalancerClass: Invalid value: "a\/b": field is immutable/,
  );
  const taken = service('b', { ports: [{ port: 80, nodePort: port }] });
  assert.match(
    await message(client.create(SERVICES, taken)),
    /nodePort: Invalid value: \d+: provided port is already allocated/,
  );
  const open = await client.patch<AnyObject>(
    SERVICES,
    { name: 'a', namespace: 'default' },
    { type: 'merge', body: { spec: { externalTrafficPolicy: 'Cluster' } } },
  );
  assert.equal(healthOf(open), undefined);
  await client.create(SERVICES, taken);
});

test('a namespace is terminating until it is finalized', async () => {
  const { client } = setUp();
  const made = await client.create<AnyObject>(NAMESPACES, { metadata: { name: 'n' } });
  assert.deepEqual(made.metadata.labels, { 'kubernetes.io/metadata.name': 'n' });
  await client.delete(NAMESPACES, { name: 'n' });
  const terminating = await client.get<AnyObject>(NAMESPACES, 'n');
  assert.deepEqual(terminating['status'], { phase: 'Terminating' });
  await client.update<AnyObject>(NAMESPACES, { ...terminating, spec: { finalizers: [] } }, 'finalize');
  await assert.rejects(client.get(NAMESPACES, 'n'), (error) => hasReason(error, 'NotFound'));
});

test('a watch sink that throws is logged, goes on hearing, and disturbs no other', async () => {
  const { client, lines } = setUp();
  const heard: string[] = [];
  const fail = (what: string): never => {
    heard.push(what);
    throw new Error(`cannot ${what}`);
  };
  const failing = { reset: () => fail('reset'), applied: () => fail('applied'), deleted: () => fail('deleted') };
  client.watch(CONFIG_MAPS, {}, failing);
  const others: string[] = [];
  const other = {
    reset: () => undefined,
    applied: ({ metadata }: AnyObject) => void others.push(`+${metadata.name}`),
    deleted: ({ metadata }: AnyObject) => void others.push(`-${metadata.name}`),
  };
  client.watch<AnyObject>(CONFIG_MAPS, {}, other);
  await settled();
  await client.create(CONFIG_MAPS, configMap('a'));
  await client.delete(CONFIG_MAPS, { name: 'a', namespace: 'default' });
  await settled();
  assert.deepEqual(heard, ['reset', 'applied', 'deleted']);
  assert.deepEqual(others, ['+a', '-a']);
  assert.equal(lines.length, 3);
  assert.match(lines[0] ?? '', /^watch of configmaps: its sink failed: Error: cannot reset/);
});

test('server-side apply creates, owns, and conflicts with others', async () => {
  const { client } = setUp();
  const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'default' }, data: { x: '1' } };
  const ref = { name: 'a', namespace: 'default' };
  const made = await client.patch<AnyObject>(CONFIG_MAPS, ref, { type: 'apply', body, fieldManager: 'one' });
  assert.equal(made.metadata.managedFields?.[0]?.operation, 'Apply');
  const again = await client.patch<AnyObject>(CONFIG_MAPS, ref, { type: 'apply', body, fieldManager: 'one' });
  assert.equal(again.metadata.resourceVersion, made.metadata.resourceVersion);
  const other = { type: 'apply' as const, body: { ...body, data: { x: '2' } }, fieldManager: 'two' };
  assert.equal(
    await message(client.patch(CONFIG_MAPS, ref, other)),
    '409 Conflict: Apply failed with 1 conflict: conflict with "one": .data.x',
  );
  const forced = await client.patch<AnyObject>(CONFIG_MAPS, ref, { ...other, force: true });
  assert.deepEqual(forced['data'], { x: '2' });
});

test('server-side apply refuses scalars of a wrong type, and takes quantities and ports of either', async () => {
  const { client } = setUp();
  const template = (port: unknown) => ({
    metadata: { labels: { app: 'web' } },
    spec: {
      containers: [
        {
          name: 'web',
          image: 'web',
          readinessProbe: { tcpSocket: { port } },
          resources: { limits: { cpu: 1, memory: '64Mi' } },
        },
      ],
    },
  });
  const apply = (spec: object) =>
    client.patch<AnyObject>(
      DEPLOYMENTS,
      { name: 'web', namespace: 'default' },
      {
        type: 'apply',
        fieldManager: 'one',
        body: {
          apiVersion: 'apps/v1',
          kind: 'Deployment',
          metadata: { name: 'web', namespace: 'default' },
          spec: { selector: { matchLabels: { app: 'web' } }, template: template('http'), ...spec },
        },
      },
    );
  const typed = 'failed to create typed patch object (default/web; apps/v1, Kind=Deployment): ';
  for (const [spec, fault] of [
    [{ replicas: 'two' }, '.spec.replicas: expected numeric (int or float), got string'],
    [{ paused: 'no' }, '.spec.paused: expected boolean, got &{no}'],
    [
      { selector: { matchLabels: { app: 5 } } },
      '.spec.selector.matchLabels.app: expected string, got &value.valueUnstructured{Value:5}',
    ],
  ] as const)
    assert.ok((await message(apply(spec))).endsWith(typed + fault), fault);
  await apply({ replicas: 2, paused: true, strategy: { rollingUpdate: { maxSurge: '25%', maxUnavailable: 0 } } });
  await apply({ template: template(8080) });
});

test('events are gone an hour after they were last seen', async () => {
  const { client, core } = setUp();
  const EVENTS = { group: '', version: 'v1', resource: 'events' };
  const event = (name: string): AnyObject => ({
    metadata: { name, namespace: 'default' },
    involvedObject: { kind: 'Pod', namespace: 'default', name: 'p' },
    lastTimestamp: new Date(core.clock.nowMs).toISOString(),
  });
  await client.create(EVENTS, event('old'));
  core.clock.nowMs += 50 * 60_000;
  await client.create(EVENTS, event('young'));
  core.clock.nowMs += 11 * 60_000;
  await client.create(EVENTS, event('new'));
  const { items } = await client.list(EVENTS);
  assert.deepEqual(
    items.map(({ metadata }) => metadata.name),
    ['new', 'young'],
  );
});
