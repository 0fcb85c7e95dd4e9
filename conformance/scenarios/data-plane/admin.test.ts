/** The admin port: health before and after the first certificate, switches for localhost alone, a policy like any port's. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { GrpcError } from '#runtime/grpc';
import { eventually } from '../../harness/index.ts';
import { everyone, only, type Pod, usePods } from '../../harness/pods/index.ts';
import { type Answer, ask, get, type RequestOptions, serveHttp1 } from './http.ts';

const PORT = 4191;
/** Certified only when its test says so. */
let mayCertify = false;

const { world, client, plain, web, late } = usePods(
  {
    client: {},
    plain: { unmeshed: true },
    web: {},
    late: { uncertified: true, env: { SHUTDOWN_ENDPOINT_ENABLED: 'true' } },
  },
  () => {
    for (const pod of [web, late]) serveHttp1(pod, 8080, (_request, response) => response.end('app'));
  },
);
world.issue = (identity) =>
  identity.startsWith('late') && !mayCertify
    ? new GrpcError('UNAVAILABLE', 'the issuer is not ready')
    : { ca: world.ca, validMs: 600_000 };

/** As a kubelet or someone with a shell in the pod would. */
const local = (pod: Pod, path: string, options: RequestOptions = {}): Promise<Answer> =>
  ask(pod, '127.0.0.1', PORT, { path, ...options });

test('a proxy lives before it is ready; what came meanwhile is served once it has its certificate', async () => {
  // Its ports are bound before the first certificate is asked for.
  const answer = async (path: string) => {
    const { status, body } = await local(late, path);
    return [status, body];
  };
  await eventually(
    'its ports',
    10_000,
    async () => ((await local(late, '/live')).status === 200 ? true : undefined),
    20,
  );
  assert.deepEqual(await answer('/live'), [200, 'live\n']);
  assert.deepEqual(await answer('/ready'), [503, 'not ready\n']);
  const waiting = get(plain, late.ip, 8080);
  await sleep(150);
  assert.deepEqual(await answer('/ready'), [503, 'not ready\n']);
  mayCertify = true;
  assert.deepEqual((await waiting).body, 'app');
  assert.deepEqual(await answer('/ready'), [200, 'ready\n']);
  assert.match(late.said(), /the issuer is not ready/);
});

test('the log level is read and set while the proxy runs; what is no filter is refused', async () => {
  const level = (body?: string) => local(web, '/proxy-log-level', body === undefined ? {} : { method: 'PUT', body });
  assert.match((await level()).body, /^warn,linkerd=info/);
  assert.equal((await level('linkerd=debug,warn')).status, 204);
  assert.equal((await level()).body, 'linkerd=debug,warn\n');
  assert.equal((await level('linkerd=loudly')).status, 400);
  assert.equal((await level('warn,linkerd=info')).status, 204);
});

test('env.json shows the settings, all or those asked for', async () => {
  const all = await local(web, '/env.json');
  assert.equal(all.headers['content-type'], 'application/json');
  assert.equal(JSON.parse(all.body).LINKERD2_PROXY_IDENTITY_LOCAL_NAME, web.identity);
  const some = await local(web, '/env.json?LINKERD2_PROXY_INBOUND_IPS&NOTHING');
  assert.deepEqual(JSON.parse(some.body), { LINKERD2_PROXY_INBOUND_IPS: web.ip, NOTHING: null });
  assert.equal((await local(web, '/env.json?A=b')).status, 400);
  assert.equal((await local(web, '/env.json', { lines: ['accept: text/html'] })).status, 406);
});

test('switches are for localhost alone; health and metrics are for all', async () => {
  const remote = async (path: string, options: RequestOptions = {}) =>
    (await ask(plain, web.ip, PORT, { path, ...options })).status;
  assert.deepEqual([await remote('/live'), await remote('/ready'), await remote('/metrics')], [200, 200, 200]);
  assert.equal(await remote('/proxy-log-level'), 403);
  assert.equal(await remote('/proxy-log-level', { method: 'PUT', body: 'trace' }), 403);
  assert.equal(await remote('/shutdown', { method: 'POST' }), 403);
  assert.equal(await remote('/nothing'), 404);
});

test('the admin port has a policy, by which a scraper in the mesh is known', async () => {
  const target = `${web.ip}:${PORT}`;
  const { inboundPort: _, hint: __, ...there } = web.endpoint(PORT);
  world.profileOfEndpoint(target, there);
  world.port('web', PORT, everyone({ authorizations: [only(client.identity)] }));
  await eventually(
    'the policy',
    3_000,
    async () => ((await get(plain, web.ip, PORT, '/metrics')).status === 403 ? true : undefined),
    10,
  );
  const scraped = await get(client, web.ip, PORT, '/metrics');
  assert.equal(scraped.status, 200);
  assert.match(scraped.body, /inbound_http_authz_allow_total\{[^}]*client_id="client\.a\./);
  assert.equal((await local(web, '/ready')).status, 200, 'localhost always gets in');
});

test('shutdown must be allowed; then it ends the process as SIGTERM does', async () => {
  assert.equal((await local(web, '/shutdown', { method: 'POST' })).status, 404);
  assert.equal((await local(late, '/shutdown')).status, 405);
  const ended = new Promise<number | null>((resolve) => late.proxy.once('exit', resolve));
  assert.equal((await local(late, '/shutdown', { method: 'POST' })).status, 200);
  assert.equal(await ended, 0);
});
