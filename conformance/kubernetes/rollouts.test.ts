/** Deployments as their users drive them: kubectl's rollout verbs, surge, pause, undo, history, deadline, deletion of the tree. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type FakeNodesCluster, STUCK_LABEL, startFakeNodesCluster } from './cluster.ts';

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

async function deploy(name: string, replicas: number, spec = ''): Promise<void> {
  await k(
    'apply -f -',
    `apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: ${name}}}
${spec}
  template:
    metadata: {labels: {app: ${name}}}
    spec: {containers: [{name: main, image: "one:1"}]}
`,
  );
  await k(`rollout status deployment/${name} --timeout=20s`);
}

test('a rollout surges by maxSurge, never drops below maxUnavailable, and status follows it to the end', async () => {
  await deploy('surge', 4, '  strategy: {rollingUpdate: {maxSurge: 1, maxUnavailable: 1}}');
  cluster.setReadyDelayMs(300);
  await k('set image deployment/surge main=one:2');
  const following = k('rollout status deployment/surge --timeout=30s');
  let most = 0;
  let fewest = 4;
  let done = false;
  void following.finally(() => {
    done = true;
  });
  while (!done) {
    const { items } = await json('get pods -l app=surge');
    const alive = items.filter((pod: { metadata: { deletionTimestamp?: string } }) => !pod.metadata.deletionTimestamp);
    const { status } = await json('get deployment surge');
    most = Math.max(most, alive.length);
    fewest = Math.min(fewest, status.availableReplicas ?? 0);
  }
  cluster.setReadyDelayMs(0);
  assert.match(await following, /successfully rolled out/);
  assert.ok(most <= 5, `at most 5 pods, saw ${most}`);
  assert.ok(fewest >= 3, `at least 3 available, saw ${fewest}`);
  const { status } = await json('get deployment surge');
  assert.deepEqual(
    [status.replicas, status.updatedReplicas, status.readyReplicas, status.availableReplicas],
    [4, 4, 4, 4],
  );
});

test('history names revisions and their causes; undo goes back and becomes the newest', async () => {
  await deploy('undo', 2);
  await k('set image deployment/undo main=one:2');
  await k('annotate deployment/undo kubernetes.io/change-cause=second');
  await k('rollout status deployment/undo --timeout=20s');
  assert.match(await k('rollout history deployment/undo'), /^1 +<none>\n2 +second$/m);
  assert.match(await k('rollout history deployment/undo --revision=2'), /Image:\s+one:2/);
  await k('rollout undo deployment/undo');
  await k('rollout status deployment/undo --timeout=20s');
  assert.equal((await json('get deployment undo')).spec.template.spec.containers[0].image, 'one:1');
  assert.match(await k('rollout history deployment/undo'), /^2 +second\n3 +<none>$/m);
  assert.equal((await json('get rs -l app=undo')).items.length, 2, 'the old set is reused');
});

test('a paused Deployment waits with its changes and carries them out when resumed', async () => {
  await deploy('pause', 2);
  await k('rollout pause deployment/pause');
  await k('set image deployment/pause main=one:2');
  await cluster.waitFor(
    `get deployment pause -o 'jsonpath={.status.conditions[?(@.type=="Progressing")].reason}'`,
    'DeploymentPaused',
  );
  assert.equal((await json('get rs -l app=pause')).items.length, 1);
  await k('rollout resume deployment/pause');
  await k('rollout status deployment/pause --timeout=20s');
  assert.equal((await json('get pods -l app=pause')).items[0].spec.containers[0].image, 'one:2');
});

test('a rollout that cannot proceed exceeds its deadline, and undo heals it', async () => {
  await deploy('late', 2, '  progressDeadlineSeconds: 2');
  await k(`patch deployment late -p '{"spec":{"template":{"metadata":{"labels":{"${STUCK_LABEL}":"yes"}}}}}'`);
  const followed = await cluster.tryKubectl('rollout status deployment/late --timeout=20s');
  assert.equal(followed.code, 1);
  assert.match(followed.stderr, /deployment "late" exceeded its progress deadline/);
  assert.ok((await json('get deployment late')).status.availableReplicas >= 1, 'what ran before runs on');
  await k('rollout undo deployment/late');
  await k('rollout status deployment/late --timeout=20s');
});

test('restart replaces every pod; scale is followed both ways', async () => {
  await deploy('again', 2);
  const names = async () =>
    (await json('get pods -l app=again')).items.map((pod: { metadata: { name: string } }) => pod.metadata.name);
  const before = await names();
  await k('rollout restart deployment/again');
  await k('rollout status deployment/again --timeout=20s');
  await cluster.waitFor('get pods -l app=again -o name | wc -l', '2');
  assert.ok((await names()).every((name: string) => !before.includes(name)));
  await k('scale deployment/again --replicas=5');
  await k('wait --for=jsonpath={.status.readyReplicas}=5 deployment/again --timeout=10s');
  await k('scale deployment/again --replicas=0');
  await cluster.waitFor('get pods -l app=again -o name', '');
});

test('pods spread over zones, and endpoints carry them', async () => {
  await deploy('zones', 4);
  await k('expose deployment zones --port=80');
  const zones = `get endpointslices -l kubernetes.io/service-name=zones -o 'jsonpath={.items[*].endpoints[*].zone}' | tr ' ' '\\n' | sort | uniq -c | tr -s ' \\n' ' '`;
  await cluster.waitFor(zones, '2 a 2 b');
  await cluster.waitFor(`get endpoints zones -o 'jsonpath={.subsets[*].addresses[*].ip}' | wc -w`, '4');
});

test('foreground deletion takes the whole tree, orphaning leaves the pods for the next owner', async () => {
  await deploy('tree', 2);
  const pods = await k('get pods -l app=tree -o name');
  await k('delete deployment tree --cascade=orphan');
  assert.equal(await k('get pods -l app=tree -o name'), pods);
  await deploy('tree', 2);
  assert.equal(await k('get pods -l app=tree -o name'), pods);
  await k('delete deployment tree --cascade=foreground');
  assert.equal(await k('get all -l app=tree -o name'), '');
});

test('a namespace goes with all that is in it', async () => {
  await k('create namespace doomed');
  await k('-n doomed create deployment web --image=one:1 --replicas=3');
  await k('-n doomed rollout status deployment/web --timeout=20s');
  await k('-n doomed create configmap held');
  await k('-n doomed patch configmap held -p \'{"metadata":{"finalizers":["test.weft/hold"]}}\'');
  await k('delete namespace doomed --wait=false');
  await cluster.waitFor(
    `get namespace doomed -o 'jsonpath={.status.conditions[?(@.type=="NamespaceFinalizersRemaining")].message}'`,
    /test\.weft\/hold in 1 resource instances/,
  );
  const refused = await cluster.tryKubectl('-n doomed create configmap late');
  assert.match(
    refused.stderr,
    /forbidden: unable to create new content in namespace doomed because it is being terminated/,
  );
  await k('-n doomed patch configmap held -p \'{"metadata":{"finalizers":null}}\'');
  await k('wait --for=delete namespace/doomed --timeout=10s');
});

test('cordon, drain and uncordon move pods', async () => {
  await deploy('moved', 2);
  await k('drain node-a --ignore-daemonsets --force --timeout=20s');
  await cluster.waitFor(`get pods -l app=moved -o 'jsonpath={.items[*].spec.nodeName}'`, 'node-b node-b');
  await k('uncordon node-a');
  await cluster.waitFor(`get node node-a -o 'jsonpath={.spec.taints}'`, '');
});

test('describe tells why a pod waits', async () => {
  await k('run nowhere --image=one:1 --overrides=\'{"spec":{"nodeSelector":{"disk":"ssd"}}}\'');
  await cluster.waitFor(
    'describe pod nowhere',
    /FailedScheduling.*0\/2 nodes are available: 2 node\(s\) didn't match Pod's node affinity\/selector\./,
  );
  await k('label node node-b disk=ssd');
  await k('wait --for=condition=Ready pod/nowhere --timeout=10s');
  await k('label node node-b disk-');
});
