/**
 * What other clusters reach of an isolated one: load balancers and node ports with kube-proxy's rules, API servers, nothing else; and
 * Endpoints that somebody wrote, as slices that lead there.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type LabFixture, shellPod, startFixture, webApp } from './fixture.ts';

let lab: LabFixture;

before(
  async () => {
    lab = await startFixture(['--clusters', 'west,east', '--nodes', '2', '--isolated']);
    await lab.apply(webApp('web', 2, { type: 'LoadBalancer' }), 'east');
    await lab.apply(webApp('lonely', 1, { type: 'LoadBalancer', externalTrafficPolicy: 'Local' }), 'east');
    for (const context of ['west', 'east'])
      await lab.apply(shellPod('client', 'sleep 3600', { container: { image: 'curlimages/curl' } }), context);
    await lab.kubectl('--context east rollout status deploy/web --timeout=60s');
    await lab.kubectl('--context east rollout status deploy/lonely --timeout=60s');
    for (const context of ['west', 'east'])
      await lab.kubectl(`--context ${context} wait --for=condition=Ready pod/client --timeout=60s`);
  },
  { timeout: 180_000 },
);

after(async () => {
  await lab?.down();
});

const east = async (what: string): Promise<string> => (await lab.kubectl(`--context east get ${what}`)).trim();
const addresses = async (service: string): Promise<string[]> =>
  (
    await lab.until(
      `addresses of ${service}`,
      `--context east get service ${service} -o jsonpath='{.status.loadBalancer.ingress[*].ip}'`,
      (text) => text !== '',
    )
  ).split(' ');

/** The answer to one request from the client pod of a cluster: text, or curl's exit code. */
async function ask(url: string, context = 'west'): Promise<string> {
  const { code, stdout } = await lab.sh(
    `kubectl --context ${context} exec client -- curl -sk -m 2 --retry 3 --retry-connrefused --retry-max-time 4 ${url}`,
  );
  return code === 0 ? stdout.trim() : `exit code ${code}`;
}
const once = async (url: string, context = 'west'): Promise<string> => {
  const { code, stdout } = await lab.sh(`kubectl --context ${context} exec client -- curl -sk -m 2 ${url}`);
  return code === 0 ? stdout.trim() : `exit code ${code}`;
};
const callerOf = (answer: string): string => (answer.split(' ')[1] ?? '').replace('::ffff:', '');

test('pods of another cluster are out of reach at once, gateways and API servers are not', {
  timeout: 60_000,
}, async () => {
  const pod = await east("pods -l app=web -o jsonpath='{.items[0].status.podIP}'");
  const vip = await east("service web -o jsonpath='{.spec.clusterIP}'");
  for (const url of [`http://${pod}:8080`, `http://${vip}`]) assert.equal(await once(url), 'exit code 7', url);
  const [gateway = ''] = await addresses('web');
  const nodePort = await east("service web -o jsonpath='{.spec.ports[0].nodePort}'");
  assert.ok(Number(nodePort) >= 30_000 && Number(nodePort) <= 32_767);
  for (const url of [gateway, `172.30.1.1:${nodePort}`, `172.30.1.2:${nodePort}`])
    assert.match(await ask(`http://${url}`), /^web-/);
  assert.match(await ask('https://172.30.1.1:6443/version'), /gitVersion/);
  assert.match(await once(`http://${pod}:8080`, 'east'), /^web-/);
  assert.match(await lab.ok(`weft lab shell --name ${lab.name} -- curl -s -m 2 http://${pod}:8080`), /^web-/);
  assert.match(await lab.ok(`weft lab status --name ${lab.name}`), /isolated/);
});

test('a load balancer spreads over pods of all nodes', { timeout: 60_000 }, async () => {
  const [gateway = ''] = await addresses('web');
  const script = `for i in $(seq 20); do curl -s -m 2 http://${gateway}; done`;
  const output = await lab.kubectl(`--context west exec client -- sh -c '${script}'`);
  assert.equal(
    new Set(
      output
        .trim()
        .split('\n')
        .map((line) => line.split(' ')[0]),
    ).size,
    2,
  );
});

test('policy Local: the load balancer finds the node, others drop, the node of the caller is seen, insiders reach all', {
  timeout: 60_000,
}, async () => {
  const [gateway = ''] = await addresses('lonely');
  const home = await east("pods -l app=lonely -o jsonpath='{.items[0].spec.nodeName}'");
  const nodePort = await east("service lonely -o jsonpath='{.spec.ports[0].nodePort}'");
  const [here, there] = home === 'east-1' ? ['172.30.1.1', '172.30.1.2'] : ['172.30.1.2', '172.30.1.1'];
  const callers = (
    await lab.kubectl("--context west get nodes -o jsonpath='{.items[*].status.addresses[0].address}'")
  ).split(' ');
  for (const url of [`http://${gateway}`, `http://${here}:${nodePort}`]) {
    const answer = await ask(url);
    assert.match(answer, /^lonely-/);
    assert.ok(callers.includes(callerOf(answer)), answer);
  }
  assert.equal(await once(`http://${there}:${nodePort}`), 'exit code 28');
  for (const url of [`http://${gateway}`, `http://${there}:${nodePort}`])
    assert.match(await ask(url, 'east'), /^lonely-/);
});

test('nodes answer health checks of a load balancer: which of them has endpoints', { timeout: 60_000 }, async () => {
  const port = await east("service lonely -o jsonpath='{.spec.healthCheckNodePort}'");
  const home = await east("pods -l app=lonely -o jsonpath='{.items[0].spec.nodeName}'");
  for (const node of ['east-1', 'east-2']) {
    const answer = JSON.parse(await once(`http://172.30.1.${node.at(-1)}:${port}`)) as { localEndpoints: number };
    assert.equal(answer.localEndpoints, node === home ? 1 : 0, node);
  }
});

test('source ranges let some in and drop others, for load balancer addresses only', { timeout: 60_000 }, async () => {
  const patch = (ranges: string) =>
    lab.kubectl(`--context east patch service web -p '{"spec":{"loadBalancerSourceRanges":${ranges}}}'`);
  const [gateway = ''] = await addresses('web');
  await patch('["10.43.0.0/16"]');
  await lab.until(
    'the guard',
    `--context west exec client -- sh -c 'curl -s -m 1 http://${gateway}; echo "code $?"'`,
    (text) => text.includes('code 28'),
  );
  assert.match(await ask(`http://${gateway}`, 'east'), /^web-/);
  const nodePort = await east("service web -o jsonpath='{.spec.ports[0].nodePort}'");
  assert.match(await ask(`http://172.30.1.1:${nodePort}`), /^web-/);
  await patch('["172.30.0.0/24","10.43.0.0/16"]');
  assert.match(await ask(`http://${gateway}`), /^web-/);
  await patch('null');
});

test('several addresses lead to one Service, and go with the annotation', { timeout: 60_000 }, async () => {
  await lab.kubectl('--context east annotate service web lab/load-balancer-addresses=3');
  await lab.until(
    'three addresses',
    "--context east get service web -o jsonpath='{.status.loadBalancer.ingress[*].ip}'",
    (text) => text.split(' ').length === 3,
  );
  for (const ip of await addresses('web')) assert.match(await ask(`http://${ip}`), /^web-/, ip);
  await lab.kubectl('--context east annotate service web lab/load-balancer-addresses-');
  await lab.until(
    'one address',
    "--context east get service web -o jsonpath='{.status.loadBalancer.ingress[*].ip}'",
    (text) => text.split(' ').length === 1,
  );
});

test('asked-for addresses and ports: kept when free, refused when not; other classes are left alone', {
  timeout: 60_000,
}, async () => {
  const service = (name: string, spec: object) =>
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name },
      spec: { type: 'LoadBalancer', selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }], ...spec },
    });
  const port = (nodePort: number) => ({ ports: [{ port: 80, targetPort: 8080, nodePort }] });
  await lab.apply(service('asked', { loadBalancerIP: '172.31.1.77', ...port(31_234) }), 'east');
  assert.deepEqual(await addresses('asked'), ['172.31.1.77']);
  assert.match(await ask('http://172.31.1.77'), /^web-/);
  assert.match(await ask('http://172.30.1.2:31234'), /^web-/);
  for (const [spec, expected] of [
    [port(31_234), /31234: provided port is already allocated/],
    [port(80), /80: provided port is not in the valid range. The range of valid ports is 30000-32767/],
    [{ loadBalancerSourceRanges: ['all'] }, /must be a valid CIDR value/],
  ] as const) {
    const { code, stderr } = await lab.sh('kubectl --context east apply -f -', { input: service('refused', spec) });
    assert.equal(code, 1);
    assert.match(stderr, expected);
  }
  await lab.apply(service('elsewhere', { loadBalancerClass: 'example.com/other' }), 'east');
  await lab.apply(service('ours', { loadBalancerClass: 'lab/load-balancer' }), 'east');
  assert.equal((await addresses('ours')).length, 1);
  assert.equal(await east("service elsewhere -o jsonpath='{.status.loadBalancer.ingress}'"), '');
});

test('Endpoints that somebody wrote become slices and lead to the gateway, while they are there', {
  timeout: 60_000,
}, async () => {
  const [gateway = ''] = await addresses('web');
  const metadata = { name: 'web-east', labels: { origin: 'east' } };
  const write = (subsets: object[]) =>
    lab.apply(JSON.stringify({ apiVersion: 'v1', kind: 'Endpoints', metadata, subsets }));
  await lab.apply(
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web-east' },
      spec: { ports: [{ port: 80 }] },
    }),
  );
  await write([{ addresses: [{ ip: gateway }], ports: [{ port: 80 }] }]);
  const slices = '--context west get endpointslices -l kubernetes.io/service-name=web-east -o json';
  const mirrored = await lab.until('the slice', slices, (text) => text.includes(gateway));
  const [slice] = (
    JSON.parse(mirrored) as { items: { metadata: { labels: Record<string, string> }; endpoints: object[] }[] }
  ).items;
  assert.equal(
    slice?.metadata.labels['endpointslice.kubernetes.io/managed-by'],
    'endpointslicemirroring-controller.k8s.io',
  );
  assert.equal(slice?.metadata.labels['origin'], 'east');
  assert.match(await ask('http://web-east'), /^web-/);
  await write([{ notReadyAddresses: [{ ip: gateway }], ports: [{ port: 80 }] }]);
  await lab.until('unreadiness', slices, (text) => text.includes('"ready": false'));
  await lab.until(
    'refusal',
    `--context west exec client -- sh -c 'curl -s -m 2 http://web-east; echo "code $?"'`,
    (text) => text.includes('code 7'),
  );
  await lab.kubectl('--context west delete endpoints web-east');
  await lab.until('no slice', slices, (text) => !text.includes(gateway));
  assert.equal((JSON.parse(await lab.kubectl(slices)) as { items: object[] }).items.length, 0);
});
