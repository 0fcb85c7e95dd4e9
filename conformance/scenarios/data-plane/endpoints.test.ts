/** Which endpoint gets a request: zones and priorities under load, endpoints that come and go, a proxy that drains. */
import assert from 'node:assert/strict';
import http from 'node:http';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../harness/index.ts';
import { servicePolicy, usePods } from '../../harness/pods/index.ts';
import { get, serveHttp1, tally } from './http.ts';

const VIP = '10.96.0.3';
/** How long the pods take. */
let nearMs = 0;
let farMs = 0;

const { world, client, near, far } = usePods({ client: {}, near: {}, far: {} }, () => {
  serveHttp1(near, 8080, (_request, response) => setTimeout(() => response.end('near'), nearMs));
  serveHttp1(far, 8080, (_request, response) => setTimeout(() => response.end('far'), farMs));
});

/** `count` requests at once, again and again, for a while; connections stay open. */
async function load(port: number, count: number, forMs: number): Promise<Record<string, number>> {
  const seen: Record<string, number> = {};
  const untilMs = performance.now() + forMs;
  const one = async (): Promise<void> => {
    const socket = await client.dial(VIP, port);
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    (agent as unknown as { createConnection: () => unknown }).createConnection = () => socket;
    while (performance.now() < untilMs) {
      const body = await new Promise<string>((resolve, reject) => {
        const request = http.get({ host: VIP, port, agent, headers: { host: 'web.a' } }, (response) => {
          let text = '';
          response.on('data', (chunk: Buffer) => {
            text += chunk.toString();
          });
          response.on('end', () => resolve(`${response.statusCode} ${text}`));
        });
        request.on('error', reject);
      });
      seen[body] = (seen[body] ?? 0) + 1;
    }
    agent.destroy();
    socket.destroy();
  };
  await Promise.all(Array.from({ length: count }, one));
  return seen;
}

test('requests stay in the zone until its endpoints are loaded, spill over then, and come back', async () => {
  const path = 'zoned.a.svc.cluster.local:80';
  world.endpoints(path, [
    near.endpoint(8080, { labels: { zone: 'a', zone_locality: 'local' } }),
    far.endpoint(8080, { labels: { zone: 'b', zone_locality: 'remote' } }),
  ]);
  world.policy(`${VIP}:80`, servicePolicy(path, { zones: { low: 0.8, high: 2 } }));
  nearMs = 0;
  const calm = await load(80, 1, 800);
  assert.ok((calm['200 near'] ?? 0) > 20, JSON.stringify(calm));
  assert.equal(calm['200 far'] ?? 0, 0, `calm: all in the zone, ${JSON.stringify(calm)}`);
  nearMs = 150;
  const busy = await load(80, 12, 3_000);
  assert.ok((busy['200 far'] ?? 0) > (busy['200 near'] ?? 0), `under load: other zones help, ${JSON.stringify(busy)}`);
  nearMs = 0;
  await eventually(
    'all requests are in the zone again',
    20_000,
    async () => (((await load(80, 1, 1_000))['200 far'] ?? 0) === 0 ? true : undefined),
    100,
  );
});

test('endpoints of a lower priority serve only when those before them are gone', async () => {
  const path = 'ranked.a.svc.cluster.local:81';
  const first = near.endpoint(8080, { priority: 0 });
  const second = far.endpoint(8080, { priority: 1 });
  world.service(`${VIP}:81`, path, [first, second]);
  assert.deepEqual(Object.keys(await load(81, 2, 700)), ['200 near']);
  world.endpoints(path, [second]);
  await eventually(
    'the second serves',
    5_000,
    async () => ((await get(client, VIP, 81)).body === 'far' ? true : undefined),
    20,
  );
  world.endpoints(path, [first, second]);
  await eventually('the first is back', 5_000, async () => {
    const seen = await load(81, 2, 300);
    return Object.keys(seen).join() === '200 near' || undefined;
  });
});

test('an endpoint of three times the weight gets three times the requests', async () => {
  const path = 'weighted.a.svc.cluster.local:84';
  // Long enough that chance plays no part in how long they take.
  nearMs = farMs = 40;
  world.service(`${VIP}:84`, path, [near.endpoint(8080, { weight: 30_000 }), far.endpoint(8080, { weight: 10_000 })]);
  const seen = await load(84, 8, 1_500);
  nearMs = farMs = 0;
  const share = (seen['200 near'] ?? 0) / ((seen['200 near'] ?? 0) + (seen['200 far'] ?? 0));
  assert.ok(share > 0.6 && share < 0.87, JSON.stringify(seen));
});

test('endpoints that come and go under load cost no request', async () => {
  const path = 'changing.a.svc.cluster.local:82';
  const sets = [[near.endpoint(8080)], [near.endpoint(8080), far.endpoint(8080)], [far.endpoint(8080)]];
  world.endpoints(path, sets[0]!);
  world.policy(`${VIP}:82`, servicePolicy(path));
  const changes = (async () => {
    for (let i = 0; i < 24; i++) {
      await sleep(100);
      world.endpoints(path, sets[i % sets.length]!);
    }
  })();
  const [seen] = await Promise.all([load(82, 8, 2_600), changes]);
  assert.deepEqual(Object.keys(seen).sort(), ['200 far', '200 near'], JSON.stringify(seen));
});

test('a proxy that is told to end finishes what is under way and fails no request', async () => {
  const path = 'drained.a.svc.cluster.local:83';
  world.service(`${VIP}:83`, path, [near.endpoint(8080), far.endpoint(8080)]);
  nearMs = 50;
  await tally(10, () => get(client, VIP, 83));
  const ended = new Promise<number | null>((resolve) => far.proxy.once('exit', resolve));
  const stopping = (async () => {
    await sleep(500);
    // As a cluster does: the endpoint leaves discovery and the pod is told to end at about the same time.
    far.proxy.kill('SIGTERM');
    await sleep(50);
    world.endpoints(path, [near.endpoint(8080)]);
  })();
  const [seen] = await Promise.all([load(83, 8, 2_000), stopping]);
  assert.deepEqual(
    Object.keys(seen).filter((each) => !each.startsWith('200')),
    [],
    JSON.stringify(seen),
  );
  assert.equal(await ended, 0);
});
