/** Endpoints that answer badly: breakers by success rate, fail-fast queues, and load that avoids failures. */
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../harness/index.ts';
import { ms, usePods } from '../../harness/pods/index.ts';
import { GRPC, refuse, reply } from './grpc.ts';
import { call, connectHttp2, get, type Served, serveHttp1, serveHttp2, tally } from './http.ts';

const VIP = '10.96.0.6';
const FAILFAST_MS = 400;
let badServer: Served;
/** What the bad pod answers. */
let badStatus = 200;
let badHeaders: Record<string, string> = {};

const { world, client, good, bad, plain } = usePods(
  {
    client: { env: { OUTBOUND_HTTP_FAILFAST_TIMEOUT: `${FAILFAST_MS}ms` } },
    good: {},
    bad: {},
    plain: { unmeshed: true },
  },
  () => {
    serveHttp1(good, 8080, (_request, response) => response.end('good'));
    badServer = serveHttp1(bad, 8080, (_request, response) => {
      response.writeHead(badStatus, badHeaders);
      response.end('bad');
    });
  },
);

let port = 80;
let path: string;
/** Each test has an address of its own, so that nothing learned in one is known in the next. */
beforeEach(() => {
  port++;
  path = `web.a.svc.cluster.local:${port}`;
  badStatus = 200;
  badHeaders = {};
});

const ask = () => get(client, VIP, port);

/** Uses both pods, with a breaker that looks at the rate of successes alone. */
function useBoth(minBackoffMs = 5_000): void {
  const backoff = { minBackoff: ms(minBackoffMs), maxBackoff: ms(10_000), jitterRatio: 0 };
  const unified = { successRateThreshold: 0.7, decay: ms(10_000), minRequests: 5, maxConsecutiveFailures: 0, backoff };
  const failureAccrual = { kind: { case: 'unified' as const, value: unified } };
  world.service(`${VIP}:${port}`, path, [good.endpoint(8080), bad.endpoint(8080)], { failureAccrual });
}

/** Requests until the bad pod has had `count` more; gives the statuses seen. */
async function untilBadHad(count: number): Promise<Record<number, number>> {
  const start = badServer.count();
  const seen: Record<number, number> = {};
  for (let i = 0; i < 200 && badServer.count() < start + count; i++) {
    const { status } = await ask();
    seen[status] = (seen[status] ?? 0) + 1;
  }
  assert.equal(badServer.count(), start + count, JSON.stringify(seen));
  return seen;
}

test('a breaker opens when too few requests of an endpoint succeed, and closes when its trial does', async () => {
  useBoth(1_000);
  await untilBadHad(4);
  badStatus = 500;
  // 4 of 6 are less than 0.7.
  await untilBadHad(2);
  const opened = badServer.count();
  assert.deepEqual(await tally(8, ask), { 200: 8 });
  assert.equal(badServer.count(), opened, 'the breaker is open');
  badStatus = 200;
  await eventually('a trial, then all', 5_000, async () => {
    // At once: one after the other would all go to whichever pod is a little faster.
    await Promise.all(Array.from({ length: 8 }, ask));
    return badServer.count() >= opened + 5 || undefined;
  });
});

test('too many requests, 429, lower the rate of successes', async () => {
  useBoth();
  badStatus = 429;
  await untilBadHad(5);
  const opened = badServer.count();
  assert.deepEqual(await tally(30, ask), { 200: 30 });
  assert.equal(badServer.count(), opened);
});

test('a gRPC endpoint whose calls fail is left out by their status', async () => {
  let badCalls = 0;
  serveHttp2(good, 9090, (stream) => reply(stream, 'good'));
  serveHttp2(bad, 9090, (stream) => {
    badCalls++;
    refuse(stream, 13);
  });
  const backoff = { minBackoff: ms(5_000), maxBackoff: ms(10_000), jitterRatio: 0 };
  const failureAccrual = {
    kind: { case: 'consecutiveFailures' as const, value: { maxFailures: 3, backoff } },
  };
  world.service(`${VIP}:${port}`, path, [good.endpoint(9090), bad.endpoint(9090)], {
    protocol: 'grpc',
    failureAccrual,
  });
  const session = await connectHttp2(client, VIP, port);
  const statuses: string[] = [];
  for (let i = 0; i < 40; i++) {
    const { headers, trailers } = await call(session, { ...GRPC, ':path': '/a.B/C' }, Buffer.alloc(5));
    statuses.push(trailers['grpc-status'] ?? headers['grpc-status'] ?? '');
  }
  session.destroy();
  assert.equal(badCalls, 3);
  assert.deepEqual(
    statuses.filter((each) => each !== '0'),
    ['13', '13', '13'],
  );
});

test('without an endpoint, requests wait and fail with 504, later ones with 503 at once, until there is one', async () => {
  world.service(`${VIP}:${port}`, path, []);
  const startMs = performance.now();
  const first = await ask();
  const waitedMs = performance.now() - startMs;
  assert.deepEqual([first.status, first.headers['connection']], [504, 'close']);
  assert.match(first.headers['l5d-proxy-error'] ?? '', /fail-fast/);
  assert.ok(waitedMs >= FAILFAST_MS - 20 && waitedMs < FAILFAST_MS + 400, `${waitedMs} ms`);
  const shedMs = performance.now();
  assert.equal((await ask()).status, 503);
  assert.ok(performance.now() - shedMs < FAILFAST_MS / 2, 'nobody waits once it is known');
  assert.equal(await client.metric('outbound_http_balancer_queue_gate_shut_total', { backend_port: String(port) }), 1);
  world.endpoints(path, [good.endpoint(8080)]);
  await eventually('recovery', 3_000, async () => ((await ask()).status === 200 ? true : undefined), 10);
});

test('a request that waits for an endpoint is served when one comes in time', async () => {
  world.service(`${VIP}:${port}`, path, []);
  const answer = ask();
  await sleep(FAILFAST_MS / 2);
  world.endpoints(path, [good.endpoint(8080)]);
  assert.equal((await answer).status, 200);
});

test('an endpoint that refuses connections costs no request, and is used once it accepts them', async () => {
  world.service(`${VIP}:${port}`, path, [plain.endpoint(8098), good.endpoint(8080)]);
  assert.deepEqual(await tally(20, ask), { 200: 20 });
  const late = serveHttp1(plain, 8098, (_request, response) => response.end('plain'));
  await eventually('its first request', 5_000, async () => {
    await ask();
    return late.count() > 0 || undefined;
  });
});

test('load avoids an endpoint that fails quickly, for as long as its retry-after says', async () => {
  badStatus = 503;
  badHeaders = { 'retry-after': '60' };
  world.service(`${VIP}:${port}`, path, [good.endpoint(8080), bad.endpoint(8080)], { load: 'penaltyPeakEwma' });
  const seen = await tally(60, ask);
  assert.ok((seen[503] ?? 0) <= 2, JSON.stringify(seen));
});
