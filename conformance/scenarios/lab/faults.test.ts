/** Trouble on demand: delay, loss and partition between clusters, their end, and processes that are killed. */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { eventually, run } from '../../harness/index.ts';
import { type LabFixture, shellPod, startFixture, webApp } from './fixture.ts';

const CLUSTERS = ['west', 'east', 'north'];
/** How much later than asked for an answer may come on a busy machine. */
const LATE_MS = 400;

let lab: LabFixture;
let pod: string;
let gateway: string;

before(
  async () => {
    lab = await startFixture(['--clusters', CLUSTERS.join(','), '--nodes', '2', '--restart-backoff', '200']);
    await lab.apply(webApp('web', 1, { type: 'LoadBalancer' }), 'east');
    for (const context of CLUSTERS)
      await lab.apply(shellPod('client', 'sleep 3600', { container: { image: 'curlimages/curl' } }), context);
    await lab.kubectl('--context east rollout status deploy/web --timeout=60s');
    for (const context of CLUSTERS)
      await lab.kubectl(`--context ${context} wait --for=condition=Ready pod/client --timeout=60s`);
    const read = async (what: string) => (await lab.kubectl(`--context east get ${what}`)).trim();
    pod = await read("pods -l app=web -o jsonpath='{.items[0].status.podIP}'");
    gateway = await read("service web -o jsonpath='{.status.loadBalancer.ingress[0].ip}'");
    await eventually('the gateway', 30_000, async () =>
      (await ask(`http://${gateway}`)).code === 200 ? true : undefined,
    );
  },
  { timeout: 180_000 },
);

afterEach(async () => {
  await net('heal');
});

after(async () => {
  await lab?.down();
});

const weft = (words: string) => lab.sh(`weft lab ${words} --name ${lab.name}`);
const net = (words = '') => lab.ok(`weft lab net ${words} --name ${lab.name}`);

/** One request from the client pod of a cluster: status (0: none) and the times of connecting and in all. */
async function ask(
  url: string,
  context = 'west',
  limitSeconds = 1,
): Promise<{ code: number; connectMs: number; ms: number }> {
  const format = '%{http_code} %{time_connect} %{time_total}';
  const { stdout } = await lab.sh(
    `kubectl --context ${context} exec client -- curl -sk -m ${limitSeconds} -o /dev/null -w '${format}' ${url}`,
  );
  const [code = 0, connect = 0, total = 0] = stdout.split(' ').map(Number);
  return { code, connectMs: connect * 1000, ms: total * 1000 };
}

const ways = () => [`http://${pod}:8080`, `http://${gateway}`, 'https://172.30.1.1:6443/version'];

test('a delay is added in each direction, between the two clusters only', { timeout: 60_000 }, async () => {
  assert.match(await net('delay west east --ms 150'), /east - west +delay of 150 ms each way/);
  for (const url of ways()) {
    const { code, connectMs } = await ask(url, 'west', 10);
    assert.ok(code > 0, url);
    assert.ok(connectMs >= 300 && connectMs < 300 + LATE_MS, `${url}: ${connectMs} ms`);
  }
  const { connectMs } = await ask(`http://${pod}:8080`, 'north');
  assert.ok(connectMs < 150, `north: ${connectMs} ms`);
});

test('a delay can be changed while a transfer is under way, which ends whole', { timeout: 60_000 }, async () => {
  await net('delay west east --ms 20 --jitter 10');
  const script = `dd if=/dev/zero bs=1000 count=3000 2>/dev/null | curl -s -m 30 -o /dev/null -w "%{size_upload}" --data-binary @- http://${pod}:8080`;
  const transfer = lab.kubectl(`--context west exec client -- sh -c '${script}'`);
  await net('delay west east --ms 5');
  await net('heal west');
  assert.equal(await transfer, '3000000');
});

test('a partition cuts pods, gateways and API servers, open connections too, and leaves the rest whole', {
  timeout: 60_000,
}, async () => {
  const slow = lab.sh(`kubectl --context west exec client -- curl -s -m 4 http://${pod}:8080/slow`);
  await net('partition west east');
  for (const url of ways()) assert.equal((await ask(url)).code, 0, url);
  assert.equal((await slow).code, 28, 'a connection that was open hears nothing any more');
  assert.equal((await ask(`http://${gateway}`, 'north')).code, 200);
  assert.equal((await ask('http://web', 'east')).code, 200);
  for (const context of ['west', 'east']) await lab.kubectl(`--context ${context} get nodes`);
  await net('heal west east');
  for (const url of ways()) assert.notEqual((await ask(url, 'west', 5)).code, 0, url);
});

test('one name cuts a cluster off from all others; healing one pair leaves the other', {
  timeout: 60_000,
}, async () => {
  const listed = await net('partition east');
  assert.match(listed, /east - west +partition/);
  assert.match(listed, /east - north +partition/);
  await net('heal east north');
  assert.equal((await ask(`http://${gateway}`, 'north', 5)).code, 200);
  assert.equal((await ask(`http://${gateway}`, 'west')).code, 0);
});

test('a loss of everything is one, a loss of some lets the rest through', { timeout: 60_000 }, async () => {
  await net('loss west east --percent 100');
  assert.equal((await ask(`http://${gateway}`)).code, 0);
  await net('loss west east --percent 20');
  const asked = await Promise.all(Array.from({ length: 8 }, () => ask(`http://${gateway}`, 'west', 20)));
  assert.ok(
    asked.every(({ code }) => code === 200),
    'lost packets are sent again',
  );
  assert.ok(
    asked.some(({ ms }) => ms > 150),
    `some were lost: ${asked.map(({ ms }) => ms)}`,
  );
});

test('a fault with a duration ends by itself', { timeout: 60_000 }, async () => {
  assert.match(await net('partition west east --for 3s'), /partition +\d+ s +in [123] s/);
  assert.equal((await ask(`http://${gateway}`)).code, 0);
  await eventually('its end', 10_000, async () => ((await ask(`http://${gateway}`)).code === 200 ? true : undefined));
  assert.equal(await net(), 'the network is whole\n');
});

test('faults are listed, also by lab status', { timeout: 60_000 }, async () => {
  await net('delay west east --ms 10');
  await net('partition west north');
  const faults = JSON.parse(await net('-o json')) as { kind: string; clusters: string[] }[];
  assert.deepEqual(
    faults.map(({ kind, clusters }) => [kind, ...clusters]),
    [
      ['delay', 'east', 'west'],
      ['partition', 'north', 'west'],
    ],
  );
  assert.match((await weft('status')).stdout, /north - west +partition/);
});

test('what makes no sense is refused with what would', { timeout: 60_000 }, async () => {
  for (const [words, expected] of [
    ['net partition wset east', /no cluster "wset" in this lab; there are: west, east, north/],
    ['net partition west west', /cluster "west" is whole in itself/],
    ['net delay west', /lab net delay needs --ms/],
    ['net delay west --ms 99999', /at most 60000 ms/],
    ['net jam west', /knows delay, loss, partition, heal, not "jam"/],
    ['kill default/nobody', /no pod default\/nobody in west, east, north/],
    ['kill default/client', /several clusters have a pod default\/client \(west, east, north\)/],
    ['kill default/client/proxy --cluster west', /no container "proxy"; it has: main/],
    ['kill wset', /no cluster "wset"/],
  ] as const) {
    const { code, stderr } = await weft(words);
    assert.equal(code, 1, words);
    assert.match(stderr, expected);
  }
  assert.equal(await net(), 'the network is whole\n');
});

test('a killed container starts again, its pod stays', { timeout: 60_000 }, async () => {
  const read = async () =>
    JSON.parse(await lab.kubectl('--context east get pod client -o json')) as {
      metadata: { uid: string };
      status: {
        containerStatuses: { restartCount: number; ready: boolean; lastState: { terminated?: { exitCode: number } } }[];
      };
    };
  const before = await read();
  assert.match(
    (await weft('kill default/client/main --cluster east')).stdout,
    /killed default\/client\/main in cluster east/,
  );
  const now = await eventually('the restart', 20_000, async () => {
    const seen = await read();
    const [status] = seen.status.containerStatuses;
    return status?.restartCount === 1 && status.ready ? seen : undefined;
  });
  assert.equal(now.metadata.uid, before.metadata.uid);
  assert.equal(now.status.containerStatuses[0]?.lastState.terminated?.exitCode, 137);
});

test('a killed pod starts again as a whole, with shared processes and terminals too', { timeout: 60_000 }, async () => {
  const container = (name: string, rest: object = {}) => ({
    name,
    image: 'busybox',
    command: ['sh', '-c', 'sleep 3600 & sleep 3601'],
    ...rest,
  });
  const spec = { shareProcessNamespace: true, containers: [container('a'), container('b', { tty: true })] };
  await lab.apply(shellPod('pair', '', { spec }));
  await lab.kubectl('--context west wait --for=condition=Ready pod/pair --timeout=30s');
  const { stdout } = await weft('kill default/pair');
  assert.equal(stdout.trim().split('\n').length, 2, stdout);
  const state = '{range .status.containerStatuses[*]}{.restartCount}:{.lastState.terminated.exitCode} {end}';
  await lab.until(
    'both restarts',
    `--context west get pod pair -o jsonpath='${state}'`,
    (text) => text === '1:137 1:137 ',
  );
});

test('a killed cluster comes back with its objects and pods', { timeout: 90_000 }, async () => {
  assert.equal((await weft('kill north')).stdout, 'killed cluster north\n');
  await eventually('the cluster', 60_000, async () => {
    const { stdout } = await lab.sh(
      'kubectl --context north get pod client -o jsonpath={.status.containerStatuses[0].ready}',
    );
    return stdout === 'true' && (await ask(`http://${gateway}`, 'north')).code === 200 ? true : undefined;
  });
  assert.match((await weft('status')).stdout, /north +ready .* 1\n/);
});

test('faults end with the lab and leave nothing', { timeout: 120_000 }, async () => {
  const other = await startFixture(['--clusters', 'west,east', '--nodes', '1']);
  try {
    await other.ok(`weft lab net delay west east --ms 10 --name ${other.name}`);
    await other.ok(`weft lab net partition west east --name ${other.name}`);
  } finally {
    await other.down();
  }
  const left = await run('sh', [
    '-c',
    `ps axo args | grep -F '${other.name}' | grep -v grep; ip -o link | grep delay; nft list tables | grep lab-`,
  ]);
  assert.equal(left.stdout, '');
});
