/** Peers that vanish without a word: connections of HTTP/2 are asked whether they live, and requests go on where somebody answers. */
import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { afterEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../harness/index.ts';
import { type Pod, usePods } from '../../harness/pods/index.ts';
import { type Answer, ask, call, connectHttp2, get, serveHttp1, serveHttp2, tally } from './http.ts';

const VIP = '10.96.0.15';
const INTERVAL_MS = 300;
const TIMEOUT_MS = 400;
const KEEP_ALIVE = { intervalMs: INTERVAL_MS, timeoutMs: TIMEOUT_MS };
/** When a silence must be found on a busy machine. */
const FOUND_MS = INTERVAL_MS + TIMEOUT_MS + 1_500;
/** Whether requests for it are held, and those that are. */
let holds = true;
const held: ServerResponse[] = [];

const { world, client, one, two, plain, guest } = usePods(
  {
    client: {},
    one: {
      env: {
        INBOUND_SERVER_HTTP2_KEEP_ALIVE_INTERVAL: `${INTERVAL_MS}ms`,
        INBOUND_SERVER_HTTP2_KEEP_ALIVE_TIMEOUT: `${TIMEOUT_MS}ms`,
      },
    },
    two: {},
    plain: { unmeshed: true },
    guest: { unmeshed: true },
  },
  () => {
    for (const pod of [one, two])
      serveHttp1(pod, 8080, (request, response) => {
        if (request.url === '/held' && holds) held.push(response);
        else response.end(pod.name);
      });
  },
);

const silenced = new Set<Pod>();
const silence = async (pod: Pod): Promise<void> => {
  await pod.silence(true);
  silenced.add(pod);
};
const hear = async (pod: Pod): Promise<void> => {
  if (silenced.delete(pod)) await pod.silence(false);
};
afterEach(async () => {
  for (const pod of silenced) await hear(pod);
});

/** A request that is held where it arrives; gives its answer to come. */
async function hold(port: number, method: string): Promise<{ answer: Promise<Answer> }> {
  const before = held.length;
  const answer = ask(client, VIP, port, { method, path: '/held', ...(method === 'POST' && { body: 'once' }) });
  await eventually('the request', 3_000, async () => held.length > before || undefined, 5);
  return { answer };
}

test('a server that falls silent is found by its unanswered ping, and requests go on elsewhere', {
  timeout: 60_000,
}, async () => {
  const path = 'web.a.svc.cluster.local:80';
  const endpoints = [one, two].map((pod) => pod.endpoint(8080, { keepAlive: KEEP_ALIVE }));
  world.service(`${VIP}:80`, path, endpoints.slice(0, 1));
  assert.equal((await get(client, VIP, 80)).body, 'one');
  const { answer: again } = await hold(80, 'GET');
  const { answer: once } = await hold(80, 'POST');
  holds = false;
  world.endpoints(path, endpoints);
  // Pings are answered while it lives: what is held stays held.
  assert.equal(await Promise.race([again, once, sleep(3 * (INTERVAL_MS + TIMEOUT_MS), 'held')]), 'held');
  await silence(one);
  const startMs = performance.now();
  const others = tally(40, () => get(client, VIP, 80));
  assert.equal((await again).body, 'two', 'a request that may be made twice is answered by the other pod');
  const foundMs = performance.now() - startMs;
  assert.ok(foundMs > TIMEOUT_MS / 2 && foundMs < FOUND_MS, `${foundMs} ms`);
  const { status, headers } = await once;
  assert.deepEqual([status, headers['l5d-proxy-error']], [502, 'the server did not answer a ping']);
  assert.deepEqual(await others, { 200: 40 }, 'no other request fails');
  await hear(one);
  await eventually('it serves again', 10_000, async () => (await get(client, VIP, 80)).body === 'one' || undefined, 20);
});

test('a client that falls silent is let go; one that answers pings stays', { timeout: 60_000 }, async () => {
  serveHttp2(one, 9090, (stream) => {
    stream.respond({ ':status': 200 });
    stream.end('h2');
  });
  const labels = { direction: 'inbound', peer: 'src', target_port: '9090' };
  const open = () => one.metric('tcp_open_connections', labels);
  const [lost, kept] = [await connectHttp2(plain, one.ip, 9090), await connectHttp2(guest, one.ip, 9090)];
  for (const session of [lost, kept]) assert.equal((await call(session, { ':path': '/' })).body, 'h2');
  assert.equal(await open(), 2);
  await silence(plain);
  const startMs = performance.now();
  await eventually('one is let go', FOUND_MS, async () => (await open()) === 1 || undefined, 20);
  assert.ok(performance.now() - startMs > TIMEOUT_MS / 2);
  await sleep(2 * (INTERVAL_MS + TIMEOUT_MS));
  assert.equal(await open(), 1);
  assert.equal((await call(kept, { ':path': '/' })).body, 'h2');
  for (const session of [lost, kept]) session.destroy();
});

test('without keep-alive nobody notices, and what was asked is answered when it can be heard', {
  timeout: 60_000,
}, async () => {
  world.service(`${VIP}:81`, 'web.a.svc.cluster.local:81', [two.endpoint(8080)]);
  holds = true;
  const { answer } = await hold(81, 'GET');
  await silence(two);
  assert.equal(await Promise.race([answer, sleep(2 * FOUND_MS, 'held')]), 'held');
  await hear(two);
  held.at(-1)?.end('late');
  assert.equal((await answer).body, 'late');
});
