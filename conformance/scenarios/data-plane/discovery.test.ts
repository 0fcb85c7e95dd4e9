/** What is watched at the control plane: only what is used, and a little longer. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../harness/index.ts';
import { authenticated, everyone, usePods } from '../../harness/pods/index.ts';
import { get, serveHttp1 } from './http.ts';

const ADDRESS = '10.96.0.16:80';
const PATH = 'web.a.svc.cluster.local:80';
const IDLE_MS = 800;
/** After an end, until nothing is watched on a busy machine: an address goes first, then the backends that it led to. */
const ENDED_MS = 2 * IDLE_MS + 2_000;

const { world, client, plain, one, two } = usePods(
  {
    client: { env: { OUTBOUND_DISCOVERY_IDLE_TIMEOUT: `${IDLE_MS}ms` } },
    plain: { unmeshed: true },
    one: { env: { INBOUND_DISCOVERY_IDLE_TIMEOUT: `${IDLE_MS}ms` } },
    two: {},
  },
  () => {
    for (const pod of [one, two]) serveHttp1(pod, 8080, (_request, response) => response.end(pod.name));
  },
);

const outboundWatches = (): number[] => [
  world.watchers('policy', ADDRESS),
  world.watchers('profile', ADDRESS),
  world.watchers('endpoints', PATH),
];

/** Endpoints are wanted for requests and, since the protocol is found by looking, for bytes. */
const WATCHED = [1, 1, 2];

const ask = () => get(client, '10.96.0.16', 80);

/** How long after the call nothing is watched. */
async function untilUnwatched(watches: () => readonly number[]): Promise<number> {
  const startMs = performance.now();
  await eventually('no watch', ENDED_MS, async () => watches().every((count) => count === 0) || undefined, 5);
  return performance.now() - startMs;
}

test('a destination is watched while it is used and the idle time longer; then a request begins anew', async () => {
  assert.deepEqual(outboundWatches(), [0, 0, 0]);
  world.service(ADDRESS, PATH, [one.endpoint(8080)]);
  // A connection that says nothing more uses its destination all the same.
  const open = await client.dial('10.96.0.16', 80);
  open.write('GET / HTTP/1.1\r\nhost: web.a\r\n\r\n');
  await new Promise((resolve) => open.once('data', resolve));
  for (let i = 0; i < 5; i++) assert.equal((await ask()).body, 'one');
  await sleep(2 * IDLE_MS);
  assert.deepEqual(outboundWatches(), WATCHED);
  open.destroy();
  const tookMs = await untilUnwatched(outboundWatches);
  assert.ok(tookMs > 0.9 * IDLE_MS, `${tookMs} ms`);
  // What is said meanwhile is heard by nobody; the next request asks.
  world.endpoints(PATH, [two.endpoint(8080)]);
  assert.equal((await ask()).body, 'two');
  assert.deepEqual(outboundWatches(), WATCHED);
});

test('use within the idle time keeps the watch', async () => {
  for (let untilMs = performance.now() + 3 * IDLE_MS; performance.now() < untilMs; await sleep(IDLE_MS / 4)) {
    assert.equal((await ask()).status, 200);
    assert.deepEqual(outboundWatches(), WATCHED);
  }
  assert.ok((await untilUnwatched(outboundWatches)) > 0.7 * IDLE_MS);
});

test("so is the policy of a pod's port", async () => {
  const watches = (): number[] => [world.watchers('port', 'one 8080')];
  assert.equal((await get(plain, one.ip, 8080)).status, 200);
  assert.deepEqual(watches(), [1]);
  assert.ok((await untilUnwatched(watches)) > 0.7 * IDLE_MS);
  world.port('one', 8080, everyone({ authorizations: [authenticated] }));
  await eventually(
    'the new policy',
    3_000,
    async () => (await get(plain, one.ip, 8080)).status === 403 || undefined,
    20,
  );
  assert.deepEqual(watches(), [1]);
});
