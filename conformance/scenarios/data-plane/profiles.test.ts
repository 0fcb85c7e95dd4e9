/** ServiceProfiles: routes with classes, retries within a budget and time-outs, overrides, and what they are counted by. */
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { eventually } from '../../harness/index.ts';
import { ms, servicePolicy, usePods, type World } from '../../harness/pods/index.ts';
import { ask, get, type Served, serveHttp1, serveTcp, tally } from './http.ts';

type Profile = Parameters<World['profile']>[1];
type Route = NonNullable<Profile['routes']>[number];

const VIP = '10.96.0.5';

const { world, client, web } = usePods({ client: {}, web: {} });

let port = 7000;
/** Status and body of the application's next answers, from the front; then 200. */
let answers: number[] = [];
/** `l5d-dst-canonical` of the requests that arrived. */
let canonical: (string | undefined)[] = [];
let server: Served;

const fqn = 'web.a.svc.cluster.local';
const dst = () => `${fqn}:${port}`;

/** Each test has an address of its own, which its profile is for. */
beforeEach(() => {
  port++;
  answers = [];
  canonical = [];
  server = serveHttp1(web, port, (request, response) => {
    canonical.push(request.headers['l5d-dst-canonical'] as string | undefined);
    response.statusCode = answers.shift() ?? 200;
    if (request.url === '/slow') setTimeout(() => response.end('slow'), 600);
    else response.end('web');
  });
  world.endpoints(dst(), [web.endpoint(port)]);
  world.policy(`${VIP}:${port}`, servicePolicy(dst()));
});

/** What is said of the test's address. */
function use(profile: Profile): void {
  world.profile(`${VIP}:${port}`, { fullyQualifiedName: fqn, ...profile });
}

function route(name: string, regex: string, changes: Route = {}): Route {
  return {
    condition: { match: { case: 'path', value: { regex } } },
    metricsLabels: { route: name },
    ...changes,
  } as Route;
}

const status = async (path: string): Promise<number> => (await get(client, VIP, port, path)).status;

test('routes tell requests apart: by path and method, in the metrics of both kinds, and to the peer', async () => {
  const method = { match: { case: 'method', value: { type: { case: 'registered', value: 1 } } } } as const;
  use({
    routes: [
      route('made', '', { condition: { match: { case: 'all', value: { matches: [method] } } } }),
      route('items', '/items/\\d+'),
    ],
  });
  await ask(client, VIP, port, { method: 'POST', path: '/items/1', body: 'x' });
  await tally(3, () => get(client, VIP, port, '/items/2?q=1'));
  await status('/else');
  const count = (name: string, labels: Record<string, string>) => client.metric(name, { dst: dst(), ...labels });
  await eventually('all five', 3_000, async () => (await count('route_response_total', {})) === 5 || undefined, 20);
  assert.equal(await count('route_request_total', { rt_route: 'made' }), 1);
  assert.equal(await count('route_response_total', { rt_route: 'items', classification: 'success' }), 3);
  assert.equal(await count('route_response_latency_ms_count', { rt_route: 'items' }), 3);
  assert.deepEqual(new Set(canonical), new Set([dst()]));
});

test('a route says which responses are failures', async () => {
  const status_ = (min: number, max: number) => ({ match: { case: 'status', value: { min, max } } }) as const;
  const responseClasses = [
    { condition: status_(404, 404), isFailure: true },
    { condition: status_(500, 503), isFailure: false },
  ];
  use({ routes: [route('odd', '/odd', { responseClasses })] });
  answers = [404, 500, 200];
  for (const _ of [1, 2, 3]) await status('/odd');
  const of = (status_code: string, classification: string) =>
    client.metric('route_response_total', { dst: dst(), rt_route: 'odd', status_code, classification });
  await eventually('the last response', 3_000, async () => (await of('200', 'success')) === 1 || undefined, 20);
  assert.deepEqual([await of('404', 'failure'), await of('500', 'success')], [1, 1]);
});

test('failures of retryable routes are tried again, until the budget is spent', async () => {
  const retryBudget = { retryRatio: 0, minRetriesPerSecond: 5, ttl: ms(1_000) };
  use({ routes: [route('again', '/again', { isRetryable: true }), route('once', '/once')], retryBudget });
  answers = [503, 503, 200];
  assert.equal(await status('/again'), 200, 'two retries hide two failures');
  assert.equal(server.count(), 3);
  answers = [503];
  assert.equal(await status('/once'), 503, 'a route that does not allow it is not retried');
  answers = Array.from({ length: 100 }, () => 503);
  assert.equal(await status('/again'), 503);
  assert.ok(server.count() <= 4 + 1 + 5, `the budget bounds the retries: ${server.count()} requests`);
  const labels = { dst: dst(), rt_route: 'again' };
  const skipped = () => client.metric('route_retryable_total', { ...labels, skipped: 'no_budget' });
  await eventually('the end of the budget', 3_000, async () => ((await skipped()) >= 1 ? true : undefined), 20);
  assert.equal(await client.metric('route_request_total', labels), 2);
  assert.equal(await client.metric('route_actual_request_total', labels), server.count() - 1);
});

test('a route bounds how long its requests may take', async () => {
  use({ routes: [route('slow', '/slow', { timeout: ms(200) })] });
  const startMs = performance.now();
  assert.equal(await status('/slow'), 504);
  assert.ok(performance.now() - startMs < 550, 'it does not wait for the answer');
  assert.equal(await status('/quick'), 200);
});

test('overrides send part of the requests elsewhere, or all of them', async () => {
  serveHttp1(web, port + 1_000, (_request, response) => {
    response.statusCode = 202;
    response.end('other');
  });
  const other = `other.a.svc.cluster.local:${port + 1_000}`;
  world.endpoints(other, [web.endpoint(port + 1_000)]);
  const dstOverrides = [
    { authority: dst(), weight: 3_000 },
    { authority: other, weight: 7_000 },
  ];
  use({ dstOverrides });
  const seen = await tally(60, () => get(client, VIP, port));
  assert.ok((seen[200] ?? 0) >= 6 && (seen[202] ?? 0) >= 25, JSON.stringify(seen));
  use({ dstOverrides: [{ authority: other, weight: 1 }] });
  await eventually(
    'all go elsewhere',
    3_000,
    async () => (await tally(5, () => get(client, VIP, port)))[202] === 5 || undefined,
    10,
  );
});

test('an opaque profile hands bytes through unread, whatever the policy says', async () => {
  serveTcp(web, port + 1_000, (socket) => socket.on('data', (chunk: Buffer) => socket.end(`raw ${chunk}`)));
  const raw = `raw.a.svc.cluster.local:${port}`;
  world.service(`${VIP}:${port}`, raw, [web.endpoint(port + 1_000, { hint: 'opaque' })]);
  use({ opaqueProtocol: true });
  const socket = await client.dial(VIP, port);
  const text = await new Promise<string>((resolve, reject) => {
    socket.once('data', (chunk: Buffer) => resolve(chunk.toString()));
    socket.once('error', reject);
    socket.write('GET / HTTP/1.1\r\n');
  });
  socket.destroy();
  assert.equal(text, 'raw GET / HTTP/1.1\r\n');
});
