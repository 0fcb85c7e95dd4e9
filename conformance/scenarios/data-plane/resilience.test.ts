/** Retries, circuit breakers, time-outs, rate limits and faults, between real proxies, driven by policies that change meanwhile. */
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { FEATURES } from '#api/mesh';
import { eventually } from '../../harness/index.ts';
import { everyone, ms, resource, servicePolicy, split, to, usePods } from '../../harness/pods/index.ts';
import { get, type Served, serveHttp1, tally } from './http.ts';

const VIP = '10.96.0.1';
/** What the bad pod answers. */
let badStatus = 503;
let badServer: Served;

const { world, client, good, bad } = usePods({ client: {}, good: {}, bad: {} }, () => {
  serveHttp1(good, 8080, (request, response) => {
    if (request.url === '/slow') setTimeout(() => response.end('slow'), 700);
    else response.end('good');
  });
  badServer = serveHttp1(bad, 8080, (_request, response) => {
    response.statusCode = badStatus;
    response.end('bad');
  });
});

let port = 80;
/** Each test has an address of its own, so that nothing learned in one is known in the next. */
let address: string;
beforeEach(() => {
  port++;
  address = `${VIP}:${port}`;
  badStatus = 503;
});

const path = (name: string): string => `${name}.a.svc.cluster.local:${port}`;
const both = (name: string): void => world.endpoints(path(name), [good.endpoint(8080), bad.endpoint(8080)]);
const ask = (where = '/', lines: readonly string[] = []) => get(client, VIP, port, where, lines);

test('retries hide an endpoint that fails half of the requests', async () => {
  let turn = 0;
  serveHttp1(bad, 8085, (_request, response) => {
    response.statusCode = turn++ % 2 === 0 ? 503 : 200;
    response.end('flaky');
  });
  world.endpoints(path('web'), [bad.endpoint(8085)]);
  world.policy(address, servicePolicy(path('web')));
  assert.deepEqual(await tally(40, ask), { 200: 20, 503: 20 }, 'without retries half of them fail');
  const retry = { maxRetries: 3, maxRequestBytes: 65_536, conditions: { statusRanges: [{ start: 500, end: 599 }] } };
  const backoff = { minBackoff: ms(5), maxBackoff: ms(20), jitterRatio: 1 };
  const rules = [{ backends: to(path('web')), retry: { ...retry, backoff } }];
  world.policy(address, servicePolicy(path('web'), { rules }));
  await eventually('the route is known', 5_000, async () => ((await tally(4, ask))[200] === 4 ? true : undefined), 10);
  assert.deepEqual(await tally(100, ask), { 200: 100 });
  assert.ok((await client.metric('outbound_http_route_retry_successes_total')) >= 100, 'retries are counted');
});

test('a breaker opens after consecutive failures, leaves the endpoint out, and closes when it answers again', async () => {
  both('web');
  const backoff = { minBackoff: ms(300), maxBackoff: ms(1_000), jitterRatio: 0 };
  const failureAccrual = { kind: { case: 'consecutiveFailures' as const, value: { maxFailures: 3, backoff } } };
  world.policy(address, servicePolicy(path('web'), { failureAccrual }));
  const first = await tally(60, ask);
  assert.ok(
    (first[503] ?? 0) >= 3 && (first[503] ?? 0) <= 8,
    `few failures before and probes after: ${JSON.stringify(first)}`,
  );
  const before = badServer.count();
  assert.deepEqual(await tally(20, ask), { 200: 20 }, 'the breaker is open');
  assert.ok(badServer.count() - before <= 1);
  badStatus = 200;
  await eventually(
    'the endpoint is used again',
    10_000,
    async () => {
      const seen = badServer.count();
      await tally(20, ask);
      return badServer.count() - seen >= 3 || undefined;
    },
    100,
  );
});

test('a request that takes longer than its route allows is answered 504', async () => {
  world.endpoints(path('web'), [good.endpoint(8080)]);
  world.policy(
    address,
    servicePolicy(path('web'), { rules: [{ backends: to(path('web')), timeouts: { request: ms(250) } }] }),
  );
  const startMs = performance.now();
  const answer = await ask('/slow');
  assert.equal(answer.status, 504);
  assert.ok(performance.now() - startMs < 650, 'it does not wait for the server');
  assert.equal((await ask('/')).status, 200, 'quick requests pass');
});

test('a per-try time-out gives a slow endpoint up and asks another', async () => {
  both('web');
  badStatus = 200;
  let slow = true;
  const sleepy = serveHttp1(bad, 8081, (_request, response) =>
    setTimeout(() => response.end('late'), slow ? 3_000 : 0),
  );
  world.endpoints(path('web'), [good.endpoint(8080), bad.endpoint(8081)]);
  const retry = { maxRetries: 5, maxRequestBytes: 65_536, conditions: {}, timeout: ms(200) };
  world.policy(address, servicePolicy(path('web'), { rules: [{ backends: to(path('web')), retry }] }));
  const seen: Record<string, number> = {};
  for (let i = 0; i < 6; i++) {
    const { body } = await ask();
    seen[body] = (seen[body] ?? 0) + 1;
  }
  slow = false;
  assert.ok((seen['good'] ?? 0) >= 5, JSON.stringify(seen));
  assert.ok(sleepy.count() > 0, 'the slow endpoint was asked too');
});

test('traffic is split by weights', async () => {
  world.endpoints(path('good'), [good.endpoint(8080)]);
  world.endpoints(path('bad'), [bad.endpoint(8080)]);
  badStatus = 202;
  const rules = [{ backends: split({ [path('good')]: 9, [path('bad')]: 1 }) }];
  world.policy(address, servicePolicy(path('good'), { rules }));
  const seen = await tally(200, ask);
  assert.ok((seen[202] ?? 0) >= 6 && (seen[202] ?? 0) <= 45, `about one in ten: ${JSON.stringify(seen)}`);
});

test('a local rate limit answers 429 to what is too much, by identity', async () => {
  world.endpoints(path('web'), [good.endpoint(8082)]);
  serveHttp1(good, 8082, (_request, response) => response.end('limited'));
  world.policy(address, servicePolicy(path('web')));
  const limit = {
    metadata: resource('HTTPLocalRateLimitPolicy', 'few'),
    identity: { requestsPerSecond: 5 },
    overrides: [],
  };
  const httpRoutes = [{ metadata: { kind: { case: 'default' as const, value: 'default' } }, rules: [{}] }];
  const detect = { timeout: ms(1_000), httpRoutes, httpLocalRateLimit: limit };
  world.port('good', 8082, everyone({ protocol: { kind: { case: 'detect', value: detect } } }));
  const seen = await tally(40, ask);
  assert.ok((seen[429] ?? 0) >= 10, JSON.stringify(seen));
  assert.ok((seen[200] ?? 0) >= 5, JSON.stringify(seen));
  assert.ok((await good.metric('inbound_http_local_ratelimit_total', { ratelimit_scope: 'identity' })) >= 10);
});

test('injected failures, delays, redirects, header changes and rewrites do what the route says', async () => {
  serveHttp1(good, 8083, (request, response) => {
    response.setHeader('x-seen', `${request.url} ${request.headers['x-added'] ?? 'none'}`);
    response.end('filtered');
  });
  world.endpoints(path('web'), [good.endpoint(8083)]);
  const prefix = (value: string) => [{ path: { kind: { case: 'prefix' as const, value } } }];
  const backends = to(path('web'));
  const header = (name: string, value: string) => ({ headers: [{ name, value: Buffer.from(value) }] });
  world.policy(
    address,
    servicePolicy(path('web'), {
      rules: [
        {
          matches: prefix('/fail'),
          backends,
          filters: [{ kind: { case: 'failureInjector', value: { status: 418, message: 'tea' } } }],
        },
        { matches: prefix('/late'), backends, filters: [{ kind: { case: 'delay', value: { duration: ms(300) } } }] },
        {
          matches: prefix('/old'),
          backends,
          filters: [
            {
              kind: { case: 'redirect', value: { path: { replace: { case: 'prefix', value: '/new' } }, status: 302 } },
            },
          ],
        },
        {
          matches: prefix('/in'),
          backends,
          filters: [
            { kind: { case: 'pathRewrite', value: { path: { replace: { case: 'prefix', value: '/out' } } } } },
            { kind: { case: 'requestHeaderModifier', value: { add: header('x-added', 'yes') } } },
            { kind: { case: 'responseHeaderModifier', value: { set: header('x-answer', 'changed') } } },
          ],
        },
      ],
    }),
  );
  assert.equal((await ask('/fail')).status, 418);
  const startMs = performance.now();
  assert.equal((await ask('/late')).status, 200);
  assert.ok(performance.now() - startMs >= 295);
  const moved = await ask('/old/x');
  assert.deepEqual([moved.status, moved.headers['location']], [302, 'http://web.a/new/x']);
  const rewritten = await ask('/in/x?y=1');
  assert.deepEqual([rewritten.headers['x-seen'], rewritten.headers['x-answer']], ['/out/x?y=1 yes', 'changed']);
  assert.equal((await ask('/nowhere')).status, 404);
});

test("a proxy tells which of Weft's own fields it understands, so that others are never sent one", () => {
  const [told = '', ...others] = world.features;
  assert.deepEqual(others, [], 'in each request alike');
  assert.deepEqual(told.split(',').sort(), [...FEATURES].sort());
});

test('a mirrored request reaches the mirror and never changes the answer', async () => {
  const mirror = serveHttp1(bad, 8084, (_request, response) => {
    response.statusCode = 500;
    response.end('mirror');
  });
  world.endpoints(path('web'), [good.endpoint(8080)]);
  world.endpoints(path('shadow'), [bad.endpoint(8084)]);
  const [backend] = to(path('shadow')).kind.value.backends;
  const filters = [{ kind: { case: 'requestMirror' as const, value: { backend: backend!.backend } } }];
  world.policy(address, servicePolicy(path('web'), { rules: [{ backends: to(path('web')), filters }] }));
  assert.deepEqual(await tally(10, ask), { 200: 10 });
  await eventually('ten mirrored requests', 5_000, async () => mirror.count() === 10 || undefined, 20);
});
