/** Who may do what on a port: identities, networks, routes and rates, and policies that change while connections are open. */
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../harness/index.ts';
import {
  anybody,
  anybodyBut,
  audited,
  authenticated,
  everyone,
  ms,
  named,
  only,
  type Pod,
  type PortPolicy,
  readAll,
  resource,
  usePods,
} from '../../harness/pods/index.ts';
import { GRPC, reply } from './grpc.ts';
import { call, connectHttp2, get, serveHttp1, serveHttp2, serveTcp, tally } from './http.ts';

const VIP = '10.96.0.4';
/** `l5d-client-id` of the requests that reached the application, '' for none. */
let clientIds: string[] = [];

const { world, client, other, plain, web, shut } = usePods({
  client: {},
  other: {},
  plain: { unmeshed: true },
  // Watched from the start, so that the first request to a port finds its policy there.
  web: { env: { INBOUND_PORTS: '7001-7020' } },
  // Lets nobody in unless the control plane says otherwise.
  shut: { env: { INBOUND_DEFAULT_POLICY: 'deny' } },
});

let port = 7000;
/** Each test has a port of its own, with an application that tells who it was called by. */
beforeEach(() => {
  port++;
  clientIds = [];
});

function serveWeb(pod = web): void {
  serveHttp1(pod, port, (request, response) => {
    clientIds.push(String(request.headers['l5d-client-id'] ?? ''));
    response.end('web');
  });
}

/** Time for a policy to reach a proxy that waits for it. */
const ARRIVAL_MS = 30;

/** Makes `VIP:port` lead to the same port of the web pod, which has the given policy. */
async function expose(policy: Partial<PortPolicy>, hint: 'h2' | 'opaque' = 'h2'): Promise<void> {
  const path = `web.a.svc.cluster.local:${port}`;
  world.port('web', port, everyone(policy));
  world.service(`${VIP}:${port}`, path, [web.endpoint(port, { hint })], {
    protocol: hint === 'opaque' ? hint : 'detect',
  });
  await sleep(ARRIVAL_MS);
}

const status = async (pod: Pod, address = VIP, path = '/', lines: readonly string[] = []): Promise<number> =>
  (await get(pod, address, port, path, lines)).status;

const OPAQUE: PortPolicy['protocol'] = { kind: { case: 'opaque', value: {} } };

test('a client that loses its permission is answered 403 from then on', async () => {
  serveWeb();
  await expose({ authorizations: [only(client.identity)] });
  assert.equal(await status(client), 200);
  world.port('web', port, everyone({ authorizations: [only(other.identity)] }));
  await eventually('the new policy', 3_000, async () => ((await status(client)) === 403 ? true : undefined), 10);
  assert.equal(await status(other), 200);
  const labels = { target_port: String(port), client_id: client.identity, tls: 'true' };
  assert.ok((await web.metric('inbound_http_authz_deny_total', labels)) >= 1);
  assert.equal(await web.metric('inbound_http_authz_allow_total', { ...labels, authz_name: 'only' }), 1);
});

test('an opaque port knows its clients by mutual TLS; connections are cut when their permission ends', async () => {
  serveTcp(web, port, (socket) => socket.pipe(socket));
  await expose({ protocol: OPAQUE, authorizations: [only(client.identity)] }, 'opaque');
  const socket = await client.dial(VIP, port);
  let text = '';
  let closed = false;
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  socket.on('error', () => socket.destroy());
  socket.on('close', () => {
    closed = true;
  });
  socket.on('end', () => socket.end());
  socket.write('one');
  await eventually('the echo', 3_000, async () => text === 'one' || undefined, 5);
  const labels = { target_port: String(port), tls: 'true', client_id: client.identity };
  assert.equal(await web.metric('inbound_tcp_authz_allow_total', labels), 1);
  const refused = await other.dial(VIP, port);
  assert.equal(await readAll(refused, 'two').catch(() => ''), '', 'another identity gets nothing');
  const unmeshed = await plain.dial(web.ip, port);
  assert.equal(await readAll(unmeshed, 'three').catch(() => ''), '', 'nor does who has none');
  world.port('web', port, everyone({ protocol: OPAQUE, authorizations: [only(other.identity)] }));
  await eventually('the end of the connection', 3_000, async () => closed || undefined, 5);
  assert.equal(await web.metric('inbound_tcp_authz_terminate_total', labels), 1);
  assert.ok((await web.metric('inbound_tcp_authz_deny_total', { target_port: String(port) })) >= 2);
});

test('a port for authenticated clients refuses those outside the mesh, and those of excluded networks', async () => {
  serveWeb();
  await expose({ authorizations: [authenticated] });
  assert.deepEqual([await status(client), await status(plain, web.ip)], [200, 403]);
  world.port('web', port, everyone({ authorizations: [anybodyBut(other.ip)] }));
  await eventually('the new policy', 3_000, async () => ((await status(plain, web.ip)) === 200 ? true : undefined), 10);
  assert.deepEqual([await status(client), await status(other)], [200, 403], `${other.ip} is left out`);
});

const FORGED = 'admin.a.serviceaccount.identity.linkerd.cluster.local';

test('nobody can claim to be another client: l5d-client-id comes from the certificate or not at all', async () => {
  serveWeb();
  await expose({});
  await status(client, VIP, '/', [`l5d-client-id: ${FORGED}`]);
  await status(plain, web.ip, '/', [`L5D-Client-ID: ${FORGED}`]);
  assert.deepEqual(clientIds, [client.identity, '']);
});

test('nor can who speaks HTTP/2', async () => {
  serveHttp2(web, port, (stream, headers) => {
    clientIds.push(String(headers['l5d-client-id'] ?? ''));
    stream.respond({ ':status': 200 }, { endStream: true });
  });
  await expose({});
  for (const [pod, address] of [
    [client, VIP],
    [plain, web.ip],
  ] as const) {
    const session = await connectHttp2(pod, address, port);
    assert.equal((await call(session, { ':path': '/', 'l5d-client-id': FORGED })).status, 200);
    session.destroy();
  }
  assert.deepEqual(clientIds, [client.identity, '']);
});

test('the policy `audit` lets requests through and writes down that it did', async () => {
  serveWeb();
  await expose({
    labels: { group: '', kind: 'default', name: 'audit' },
    authorizations: [audited],
  });
  assert.equal(await status(plain, web.ip), 200);
  await eventually('the log line', 3_000, async () => /Request allowed/.test(web.said()) || undefined, 20);
});

test('each route of a port has its own clients, and requests of no route are not found', async () => {
  serveWeb();
  const route = (name: string, prefix: string, authorizations: PortPolicy['authorizations']) => ({
    metadata: resource('HTTPRoute', name),
    authorizations,
    rules: [{ matches: [{ path: { kind: { case: 'prefix' as const, value: prefix } } }] }],
  });
  const httpRoutes = [route('public', '/public', [anybody]), route('admin', '/admin', [only(other.identity)])];
  await expose({
    protocol: { kind: { case: 'detect', value: { timeout: ms(1_000), httpRoutes } } },
    authorizations: [],
  });
  const of = async (pod: Pod) => [
    await status(pod, VIP, '/public/x'),
    await status(pod, VIP, '/admin'),
    await status(pod, VIP, '/administrator'),
  ];
  assert.deepEqual(await of(client), [200, 403, 404]);
  assert.deepEqual(await of(other), [200, 200, 404]);
  const labels = { route_name: 'admin', target_port: String(port) };
  assert.equal(await web.metric('inbound_http_authz_deny_total', { ...labels, client_id: client.identity }), 1);
  assert.equal(await web.metric('inbound_http_route_not_found_total', { target_port: String(port) }), 2);
});

test('a gRPC call that is not allowed ends with PERMISSION_DENIED', async () => {
  serveHttp2(web, port, (stream) => reply(stream, 'secret'));
  await expose({ authorizations: [only(other.identity)] });
  for (const [pod, expected] of [
    [client, '7'],
    [other, '0'],
  ] as const) {
    const session = await connectHttp2(pod, VIP, port);
    const { status: http, headers, trailers } = await call(session, { ...GRPC, ':path': '/a.B/C' }, Buffer.alloc(5));
    assert.deepEqual([http, headers['grpc-status'] ?? trailers['grpc-status']], [200, expected], pod.name);
    session.destroy();
  }
});

/** A limit on the requests of a port. */
function limited(limit: { total?: number; identity?: number; other?: number }): Partial<PortPolicy> {
  const perSecond = (requestsPerSecond: number) => ({ requestsPerSecond });
  const httpLocalRateLimit = {
    metadata: resource('HTTPLocalRateLimitPolicy', 'limit'),
    ...(limit.total !== undefined && { total: perSecond(limit.total) }),
    ...(limit.identity !== undefined && { identity: perSecond(limit.identity) }),
    overrides:
      limit.other === undefined
        ? []
        : [{ limit: perSecond(limit.other), clients: { identities: [{ name: other.identity }] } }],
  };
  const httpRoutes = [{ metadata: named('default'), rules: [{}] }];
  return { protocol: { kind: { case: 'detect', value: { timeout: ms(1_000), httpRoutes, httpLocalRateLimit } } } };
}

test('a total rate limit counts all clients together', async () => {
  serveWeb();
  await expose(limited({ total: 5 }));
  const seen = await tally(20, () => get(client, VIP, port));
  assert.ok((seen[429] ?? 0) >= 8, JSON.stringify(seen));
  assert.equal(await status(other), 429, 'what one client used, another has not');
  const labels = { ratelimit_scope: 'total', ratelimit_name: 'limit', srv_port: String(port) };
  assert.equal(await web.metric('inbound_http_local_ratelimit_total', labels), (seen[429] ?? 0) + 1);
});

test('an override gives one identity a rate of its own', async () => {
  serveWeb();
  await expose(limited({ identity: 2, other: 100 }));
  const limitedClient = await tally(20, () => get(client, VIP, port));
  assert.ok((limitedClient[429] ?? 0) >= 10, JSON.stringify(limitedClient));
  assert.deepEqual(await tally(20, () => get(other, VIP, port)), { 200: 20 });
});

test('a port that the control plane has said nothing of has the default policy of the pod', async () => {
  serveWeb(shut);
  world.keepSilent('shut', port);
  assert.equal(await status(plain, shut.ip).catch(() => 0), 0, 'deny is opaque: the connection closes');
  world.port('shut', port, everyone());
  await eventually('the policy', 3_000, async () => ((await status(plain, shut.ip)) === 200 ? true : undefined), 10);
});
