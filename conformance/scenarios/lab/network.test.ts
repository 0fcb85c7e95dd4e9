/** Addresses and names: pods of several nodes and clusters, service addresses, DNS, from pods and from the lab's own network. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type LabFixture, shellPod, startFixture, WEB_IMAGE, webApp } from './fixture.ts';

let lab: LabFixture;

before(
  async () => {
    lab = await startFixture(['--clusters', 'west,east']);
    await lab.apply(webApp('web', 3, { type: 'NodePort' }));
    for (const context of ['west', 'east'])
      await lab.apply(shellPod('client', 'sleep 3600', { container: { image: 'curlimages/curl' } }), context);
    await lab.kubectl('rollout status deploy/web --timeout=30s');
    for (const context of ['west', 'east'])
      await lab.kubectl(`--context ${context} wait --for=condition=Ready pod/client --timeout=20s`);
  },
  { timeout: 120_000 },
);

after(async () => {
  await lab?.down();
});

const inClient = (command: string, context = 'west'): Promise<string> =>
  lab.kubectl(`--context ${context} exec client -- sh -c '${command}'`);

const inLab = (command: string): Promise<string> => lab.ok(`weft lab shell --name ${lab.name} -- sh -c '${command}'`);

/** Hostnames that answered so many requests. */
const answerers = (output: string): Set<string> =>
  new Set(
    output
      .trim()
      .split('\n')
      .map((line) => line.split(' ')[0] ?? ''),
  );

const podIps = async (): Promise<string[]> =>
  (await lab.kubectl("get pods -l app=web -o jsonpath='{.items[*].status.podIP}'")).split(' ');

test('three replicas on two nodes answer over the service address', async () => {
  const nodes = await lab.kubectl("get pods -l app=web -o jsonpath='{.items[*].spec.nodeName}'");
  assert.equal(new Set(nodes.split(' ')).size, 2);
  const output = await inClient('for i in $(seq 30); do curl -s -m 2 http://web; done');
  assert.equal(output.trim().split('\n').length, 30);
  assert.equal(answerers(output).size, 3);
});

test('a headless name leads to every pod', async () => {
  const output = await inClient('for i in $(seq 30); do curl -s -m 2 http://web-headless:8080; done');
  assert.equal(answerers(output).size, 3);
});

test("a pod of another cluster reaches each pod, which sees the caller's own address", async () => {
  const clientIp = await lab.kubectl("--context east get pod client -o jsonpath='{.status.podIP}'");
  for (const ip of await podIps()) {
    const output = await inClient(`curl -s -m 2 http://${ip}:8080`, 'east');
    assert.equal(output.trim().split(' ')[1]?.replace('::ffff:', ''), clientIp);
  }
});

test("the lab's own network reaches pods, service addresses, names and node ports", async () => {
  const [ip] = await podIps();
  const vip = await lab.kubectl("get service web -o jsonpath='{.spec.clusterIP}'");
  const nodePort = await lab.kubectl("get service web -o jsonpath='{.spec.ports[0].nodePort}'");
  for (const target of [
    `${ip}:8080`,
    vip,
    'web.default.svc.cluster.local',
    `172.30.0.1:${nodePort}`,
    `172.30.0.2:${nodePort}`,
  ]) {
    const output = await inLab(`for i in $(seq 6); do curl -s -m 2 http://${target}; done`);
    assert.equal(output.trim().split('\n').length, 6, target);
  }
});

test('a load balancer address answers in the lab and to pods of another cluster', async () => {
  await lab.kubectl(`patch service web -p '{"spec":{"type":"LoadBalancer"}}'`);
  const ip = await lab.until(
    'a load balancer address',
    "get service web -o jsonpath='{.status.loadBalancer.ingress[0].ip}'",
    (text) => text !== '',
  );
  assert.match(await inLab(`curl -s -m 2 --retry 5 --retry-connrefused http://${ip}`), /^web-/);
  assert.match(await inClient(`curl -s -m 2 http://${ip}`, 'east'), /^web-/);
});

test('a service without endpoints refuses at once', async () => {
  await lab.kubectl('create service clusterip nobody --tcp=80');
  const output = await inClient('curl -s -m 5 -w "%{time_total}" http://nobody; echo " code $?"');
  const [seconds = '9', , code] = output.trim().split(' ');
  assert.equal(code, '7');
  assert.ok(Number(seconds) < 1, output);
});

test('a port that the service does not have refuses at once', async () => {
  assert.match(await inClient('curl -s -m 5 http://web:81; echo "code $?"'), /code 7/);
});

test('a pod reaches itself through its own service', async () => {
  const [name] = (await lab.kubectl("get pods -l app=web -o jsonpath='{.items[*].metadata.name}'")).split(' ');
  const output = await lab.kubectl(`exec ${name} -- sh -c 'for i in $(seq 20); do curl -s -m 2 http://web; done'`);
  assert.equal(answerers(output).size, 3);
});

test('client affinity sends one client to one pod, also after the set of pods changed', async () => {
  await lab.apply(webApp('sticky', 3, { sessionAffinity: 'ClientIP' }));
  await lab.kubectl('rollout status deploy/sticky --timeout=30s');
  const ask = async (): Promise<string[]> => [
    ...answerers(await inClient('for i in $(seq 10); do curl -s -m 2 http://sticky; done')),
  ];
  const [first, ...others] = await ask();
  assert.deepEqual(others, []);
  await lab.kubectl('scale deploy/sticky --replicas=4');
  await lab.kubectl('rollout status deploy/sticky --timeout=30s');
  assert.deepEqual(await ask(), [first]);
});

test('scaling to none and back is followed by the service address', async () => {
  await lab.apply(webApp('swing', 1));
  await lab.kubectl('rollout status deploy/swing --timeout=30s');
  assert.match(await inClient('curl -s -m 2 http://swing'), /^swing-/);
  await lab.kubectl('scale deploy/swing --replicas=0');
  await lab.until('no endpoints', "get endpoints swing -o jsonpath='{.subsets}'", (text) => text === '');
  await lab.until('refusal', `exec client -- sh -c 'curl -s -m 2 http://swing; echo "code $?"'`, (text) =>
    text.includes('code 7'),
  );
  await lab.kubectl('scale deploy/swing --replicas=2');
  await lab.kubectl('rollout status deploy/swing --timeout=30s');
  await lab.until('an answer', 'exec client -- curl -s -m 2 http://swing', (text) => text.startsWith('swing-'));
});

test('the API server is reached through its service with the token of the pod', async () => {
  const folder = '/var/run/secrets/kubernetes.io/serviceaccount';
  const output = await inClient(
    `curl -s -m 3 --cacert ${folder}/ca.crt -H "Authorization: Bearer $(cat ${folder}/token)" https://kubernetes.default.svc/version`,
  );
  assert.match(output, /"gitVersion":"v1\./);
});

test('a host port leads from its node to the pod', async () => {
  const container = { name: 'web', image: WEB_IMAGE, ports: [{ containerPort: 8080, hostPort: 9090 }] };
  await lab.apply(
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'published' },
      spec: { nodeName: 'west-2', containers: [container] },
    }),
  );
  await lab.kubectl('wait --for=condition=Ready pod/published --timeout=20s');
  await lab.until('an answer', 'exec client -- curl -s -m 2 http://172.30.0.2:9090', (text) =>
    text.startsWith('published'),
  );
});

test('host network is the network of the node', async () => {
  await lab.apply(shellPod('onnode', 'sleep 3600', { spec: { hostNetwork: true, nodeName: 'west-2' } }));
  await lab.kubectl('wait --for=condition=Ready pod/onnode --timeout=20s');
  assert.equal(await lab.kubectl("get pod onnode -o jsonpath='{.status.podIP}'"), '172.30.0.2');
  assert.match(await lab.kubectl('exec onnode -- ip -br addr'), /172\.30\.0\.2/);
});
