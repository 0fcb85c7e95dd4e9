/** StatefulSets, DaemonSets and Jobs with real pods: names, volumes, nodes and ends of their own. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type LabFixture, startFixture, WEB_IMAGE } from './fixture.ts';

let lab: LabFixture;
before(async () => {
  lab = await startFixture(['--clusters', 'west', '--nodes', '2']);
});
after(() => lab.down());

const wait = 'trap "exit 0" TERM; while true; do sleep 0.1; done';
const list = (...items: object[]): string => JSON.stringify({ apiVersion: 'v1', kind: 'List', items });

test('members of a StatefulSet have names, addresses by name and volumes that outlive them', {
  timeout: 120_000,
}, async () => {
  const labels = { app: 'db' };
  await lab.apply(
    list(
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'db' },
        spec: { clusterIP: 'None', selector: labels, ports: [{ port: 8080 }] },
      },
      {
        apiVersion: 'apps/v1',
        kind: 'StatefulSet',
        metadata: { name: 'db' },
        spec: {
          serviceName: 'db',
          replicas: 2,
          selector: { matchLabels: labels },
          template: {
            metadata: { labels },
            spec: {
              terminationGracePeriodSeconds: 2,
              initContainers: [
                {
                  name: 'note',
                  image: 'busybox',
                  command: ['sh', '-c', 'echo "$(hostname)" >> /data/starts'],
                  volumeMounts: [{ name: 'data', mountPath: '/data' }],
                },
              ],
              containers: [
                {
                  name: 'main',
                  image: WEB_IMAGE,
                  readinessProbe: { httpGet: { port: 8080, path: '/' }, periodSeconds: 1 },
                  volumeMounts: [{ name: 'data', mountPath: '/data' }],
                },
              ],
            },
          },
          volumeClaimTemplates: [
            {
              metadata: { name: 'data' },
              spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Mi' } } },
            },
          ],
        },
      },
    ),
  );
  await lab.kubectl('rollout status statefulset/db --timeout=60s');
  for (const [from, to] of [
    [0, 1],
    [1, 0],
  ] as const)
    await lab.until(
      `db-${from} reaches db-${to} by name`,
      `exec db-${from} -c main -- curl -s -m 2 http://db-${to}.db:8080`,
      (answer) => answer.startsWith(`db-${to} `),
    );
  const before = await lab.kubectl(`get pod db-0 -o 'jsonpath={.metadata.uid}'`);
  await lab.kubectl('delete pod db-0');
  await lab.until(
    'db-0 is there again',
    `get pod db-0 -o 'jsonpath={.metadata.uid} {.status.containerStatuses[0].ready}'`,
    (text) => text.endsWith(' true') && !text.startsWith(before.trim()),
    30_000,
  );
  assert.equal(await lab.kubectl('exec db-0 -c main -- cat /data/starts'), 'db-0\ndb-0\n');
  assert.equal(await lab.kubectl('exec db-1 -c main -- cat /data/starts'), 'db-1\n');
  await lab.kubectl('delete statefulset db');
  assert.match(
    await lab.kubectl('get pvc -o name'),
    /persistentvolumeclaim\/data-db-0\npersistentvolumeclaim\/data-db-1/,
  );
});

test('a DaemonSet has a pod on each node, which sees the files of its own node only', { timeout: 90_000 }, async () => {
  const labels = { app: 'agent' };
  await lab.apply(
    list({
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata: { name: 'agent' },
      spec: {
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            terminationGracePeriodSeconds: 2,
            containers: [
              {
                name: 'main',
                image: 'busybox',
                command: ['sh', '-c', `echo "$NODE" >> /state/name; ${wait}`],
                env: [{ name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } }],
                volumeMounts: [{ name: 'state', mountPath: '/state' }],
              },
            ],
            volumes: [{ name: 'state', hostPath: { path: '/var/lib/agent', type: 'DirectoryOrCreate' } }],
          },
        },
      },
    }),
  );
  await lab.kubectl('rollout status daemonset/agent --timeout=30s');
  const places = `get pods -l app=agent -o 'jsonpath={range .items[*]}{.metadata.name} {.spec.nodeName}{"\\n"}{end}'`;
  const pods = (await lab.kubectl(places))
    .trim()
    .split('\n')
    .map((line) => line.split(' '));
  assert.deepEqual(pods.map(([, node]) => node).sort(), ['west-1', 'west-2']);
  for (const [pod, node] of pods) assert.equal(await lab.kubectl(`exec ${pod} -- cat /state/name`), `${node}\n`);
  const zones = await lab.kubectl(
    `get nodes -o 'jsonpath={.items[*].metadata.labels.topology\\.kubernetes\\.io/zone}'`,
  );
  assert.equal(zones.trim(), 'west-a west-b');
  await lab.kubectl('set env daemonset/agent ROUND=2');
  await lab.kubectl('rollout status daemonset/agent --timeout=60s');
  const [[again = ''] = []] = (await lab.kubectl(places))
    .trim()
    .split('\n')
    .map((line) => line.split(' '));
  assert.match(await lab.kubectl(`exec ${again} -- cat /state/name`), /^(west-\d)\n\1\n$/, 'files stay on the node');
});

const job = (name: string, command: string, spec: object = {}, pod: object = {}): string =>
  list({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name },
    spec: {
      template: {
        spec: {
          restartPolicy: 'Never',
          terminationGracePeriodSeconds: 2,
          containers: [{ name: 'main', image: 'busybox', command: ['sh', '-c', command] }],
          ...pod,
        },
      },
      ...spec,
    },
  });

test('a Job with a sidecar completes when its work is done', { timeout: 60_000 }, async () => {
  const sidecar = { name: 'side', image: 'busybox', restartPolicy: 'Always', command: ['sh', '-c', wait] };
  await lab.apply(job('sidecar', 'sleep 0.2', { completions: 2, parallelism: 2 }, { initContainers: [sidecar] }));
  await lab.kubectl('wait --for=condition=complete job/sidecar --timeout=40s');
});

test('an Indexed Job gives each pod its index, and a code may end a Job at once', { timeout: 60_000 }, async () => {
  await lab.apply(
    job('indexed', 'echo "$JOB_COMPLETION_INDEX of $(hostname)"', {
      completionMode: 'Indexed',
      completions: 2,
      parallelism: 2,
    }),
  );
  await lab.kubectl('wait --for=condition=complete job/indexed --timeout=30s');
  const logs = await lab.kubectl('logs -l job-name=indexed');
  assert.deepEqual(logs.trim().split('\n').sort(), ['0 of indexed-0', '1 of indexed-1']);
  const rules = [{ action: 'FailJob', onExitCodes: { operator: 'In', values: [42] } }];
  await lab.apply(job('fatal', 'exit 42', { podFailurePolicy: { rules } }));
  await lab.kubectl('wait --for=condition=failed job/fatal --timeout=30s');
  assert.equal(
    (await lab.kubectl(`get job fatal -o 'jsonpath={.status.conditions[?(@.type=="Failed")].reason}'`)).trim(),
    'PodFailurePolicy',
  );
});

test('a drained node is left by its pods as their budget allows', { timeout: 90_000 }, async () => {
  await lab.apply(
    list(
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'kept' },
        spec: {
          replicas: 2,
          selector: { matchLabels: { app: 'kept' } },
          template: {
            metadata: { labels: { app: 'kept' } },
            spec: {
              terminationGracePeriodSeconds: 1,
              containers: [{ name: 'main', image: 'busybox', command: ['sh', '-c', wait] }],
            },
          },
        },
      },
      {
        apiVersion: 'policy/v1',
        kind: 'PodDisruptionBudget',
        metadata: { name: 'kept' },
        spec: { maxUnavailable: 1, selector: { matchLabels: { app: 'kept' } } },
      },
    ),
  );
  await lab.kubectl('rollout status deployment/kept --timeout=30s');
  await lab.kubectl('drain west-2 --ignore-daemonsets --delete-emptydir-data --force --timeout=40s');
  await lab.kubectl('rollout status deployment/kept --timeout=30s');
  const nodes = await lab.kubectl(`get pods -l app=kept -o 'jsonpath={.items[*].spec.nodeName}'`);
  assert.equal(nodes.trim(), 'west-1 west-1');
  await lab.kubectl('uncordon west-2');
});
