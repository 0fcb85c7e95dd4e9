/** StatefulSets, DaemonSets, Jobs, CronJobs, budgets and mirrored Endpoints as kubectl sees them. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type FakeNodesCluster, OUTCOME_LABEL, STUCK_LABEL, startFakeNodesCluster } from './cluster.ts';

let cluster: FakeNodesCluster;
before(async () => {
  cluster = await startFakeNodesCluster();
});
after(async () => {
  await cluster.close();
  assert.deepEqual(cluster.failures, []);
});

const k = (command: string, input?: string): Promise<string> => cluster.kubectl(command, input);
const json = async (command: string) => JSON.parse(await k(`${command} -o json`));
const apply = (manifest: string): Promise<string> => k('apply -f -', manifest);

test('a StatefulSet comes up in order with bound claims, rolls out from the top, and is undone', async () => {
  await apply(`apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  replicas: 3
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: main, image: "one:1", volumeMounts: [{name: data, mountPath: /data}]}]}
  volumeClaimTemplates:
  - metadata: {name: data}
    spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
`);
  await k('rollout status statefulset/db --timeout=20s');
  assert.equal(await k('get pods -l app=db -o name'), 'pod/db-0\npod/db-1\npod/db-2\n');
  await cluster.waitFor(`get pvc -o 'jsonpath={.items[*].status.phase}'`, 'Bound Bound Bound');
  await k(`patch statefulset db -p '{"spec":{"updateStrategy":{"rollingUpdate":{"partition":2}}}}'`);
  await k('set image statefulset/db main=one:2');
  const images = `get pods -l app=db -o 'jsonpath={.items[*].spec.containers[0].image}'`;
  await cluster.waitFor(images, 'one:1 one:1 one:2');
  await k(`patch statefulset db -p '{"spec":{"updateStrategy":{"rollingUpdate":{"partition":0}}}}'`);
  await k('rollout status statefulset/db --timeout=20s');
  await cluster.waitFor(images, 'one:2 one:2 one:2');
  assert.match(await k('rollout history statefulset/db'), /^1 .*\n2 /m);
  await k('rollout undo statefulset/db');
  await k('rollout status statefulset/db --timeout=20s');
  await cluster.waitFor(images, 'one:1 one:1 one:1');
  await k('scale statefulset db --replicas=1');
  await cluster.waitFor('get pods -l app=db -o name', 'pod/db-0');
});

test('a DaemonSet runs on every node, rolls out, is undone, and leaves with its owner', async () => {
  await apply(`apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec: {containers: [{name: main, image: "one:1"}]}
`);
  await k('rollout status daemonset/agent --timeout=20s');
  const where = `get pods -l app=agent -o 'jsonpath={.items[*].spec.nodeName}' | tr ' ' '\\n' | sort | tr '\\n' ' '`;
  await cluster.waitFor(where, 'node-a node-b');
  await k('set image daemonset/agent main=one:2');
  await k('rollout status daemonset/agent --timeout=20s');
  await k('rollout undo daemonset/agent');
  await k('rollout status daemonset/agent --timeout=20s');
  await cluster.waitFor(`get pods -l app=agent -o 'jsonpath={.items[*].spec.containers[0].image}'`, 'one:1 one:1');
  await k('delete daemonset agent');
  await cluster.waitFor('get pods -l app=agent -o name', '');
});

test('a Job completes once its pods succeeded, and wait sees it', async () => {
  await apply(`apiVersion: batch/v1
kind: Job
metadata: {name: sum}
spec:
  completions: 3
  parallelism: 2
  template:
    metadata: {labels: {${OUTCOME_LABEL}: Succeeded}}
    spec: {restartPolicy: Never, containers: [{name: main, image: "one:1"}]}
`);
  await k('wait --for=condition=complete job/sum --timeout=20s');
  const { status } = await json('get job sum');
  assert.deepEqual([status.succeeded, status.active, status.failed], [3, undefined, undefined]);
  assert.match(await k('get job sum'), /sum +Complete +3\/3/);
  assert.match(await k('describe job sum'), /Normal +Completed .*Job completed/);
  assert.equal((await k('get pods -l job-name=sum -o name')).trim().split('\n').length, 3);
  await k('delete job sum');
  await cluster.waitFor('get pods -l job-name=sum -o name', '');
});

test('a Job whose pods fail ends as failed at its limit', async () => {
  await apply(`apiVersion: batch/v1
kind: Job
metadata: {name: bad}
spec:
  backoffLimit: 0
  template:
    metadata: {labels: {${OUTCOME_LABEL}: Failed}}
    spec: {restartPolicy: Never, containers: [{name: main, image: "one:1"}]}
`);
  await k('wait --for=condition=failed job/bad --timeout=20s');
  const { status } = await json('get job bad');
  assert.equal(status.failed, 1);
  assert.ok(status.conditions.some((each: { reason: string }) => each.reason === 'BackoffLimitExceeded'));
});

test('a CronJob can be run by hand and is listed with its schedule', async () => {
  await k(`create cronjob tick --image=one:1 --schedule='*/5 * * * *' -- date`);
  await k('create job --from=cronjob/tick now');
  await cluster.waitFor('get pods -l job-name=now -o name', /^pod\/now-/);
  assert.match(await k('get cronjob tick'), /tick +\*\/5 \* \* \* \*/);
  await k('delete cronjob tick');
  await cluster.waitFor('get jobs now -o name --ignore-not-found', '');
});

test('a budget holds back a drain until there are enough pods', async () => {
  await k('create deployment kept --image=one:1 --replicas=2');
  await k('rollout status deployment/kept --timeout=20s');
  await k('create poddisruptionbudget kept --selector=app=kept --min-available=2');
  await cluster.waitFor(
    `get pdb kept -o 'jsonpath={.status.disruptionsAllowed}/{.status.currentHealthy}/{.status.desiredHealthy}'`,
    /^0?\/2\/2$/,
  );
  const drained = await cluster.tryKubectl(
    'drain node-a --ignore-daemonsets --delete-emptydir-data --force --pod-selector=app=kept --timeout=3s',
  );
  assert.notEqual(drained.code, 0);
  assert.match(drained.stderr, /Cannot evict pod as it would violate the pod's disruption budget/);
  await k('scale deployment kept --replicas=3');
  await k('drain node-a --ignore-daemonsets --delete-emptydir-data --force --pod-selector=app=kept --timeout=20s');
  await k('uncordon node-a');
});

test('Endpoints of a Service without selector are mirrored into a slice', async () => {
  await apply(`apiVersion: v1
kind: Service
metadata: {name: remote}
spec: {ports: [{name: http, port: 80}]}
---
apiVersion: v1
kind: Endpoints
metadata: {name: remote}
subsets: [{addresses: [{ip: 192.168.7.1}], ports: [{name: http, port: 8080}]}]
`);
  const addresses = `get endpointslices -l kubernetes.io/service-name=remote -o 'jsonpath={.items[*].endpoints[*].addresses[*]}:{.items[*].ports[*].port}'`;
  await cluster.waitFor(addresses, '192.168.7.1:8080');
  await k(
    `patch endpoints remote --type=json -p '[{"op":"add","path":"/subsets/0/addresses/-","value":{"ip":"192.168.7.2"}}]'`,
  );
  await cluster.waitFor(addresses, '192.168.7.1 192.168.7.2:8080');
  await k('delete service remote');
  await cluster.waitFor('get endpointslices -l kubernetes.io/service-name=remote -o name', '');
});

test('a load balancer gets an address of the pool, and a pod that is not ready stays out of its endpoints', async () => {
  await k('create deployment lb --image=one:1');
  await k('rollout status deployment/lb --timeout=20s');
  await k('expose deployment lb --port=80 --type=LoadBalancer');
  await k('wait --for=jsonpath={.status.loadBalancer.ingress[0].ip}=172.31.0.1 service/lb --timeout=10s');
  await k(`run stuck --image=one:1 --labels=app=lb,${STUCK_LABEL}=yes`);
  await cluster.waitFor(`get endpoints lb -o 'jsonpath={.subsets[*].addresses[*].ip}' | wc -w`, '1');
});
