/** A gateway between a client and another cluster's pods: which names it reaches, how it says for whom, and what it refuses. */
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { eventually } from '../../harness/index.ts';
import { everyone, only, usePods } from '../../harness/pods/index.ts';
import { GRPC, message, messages } from './grpc.ts';
import { call, connectHttp2, get, serveHttp1, serveHttp2, serveTcp } from './http.ts';

const VIP = '10.96.0.9';
const GATEWAY = 'gateway.a.serviceaccount.identity.linkerd.cluster.local';

const GATEWAY_POD = { identity: GATEWAY, env: { INBOUND_GATEWAY_SUFFIXES: 'svc.cluster.local.' } };
const { world, client, gateway, replica, web } = usePods({
  client: {},
  gateway: GATEWAY_POD,
  // Another of the same deployment.
  replica: GATEWAY_POD,
  web: {},
});

let port = 7000;
let target: string;
/** Each test has a mirror of its own in the client's cluster, `VIP:port`, for `web` on the same port in the gateway's. */
beforeEach(() => {
  port++;
  target = `web.a.svc.cluster.local:${port}`;
});

interface Exposed {
  readonly hint?: 'h2' | 'opaque';
  /** What the client's cluster takes the name behind the gateway to be. */
  readonly authority?: string;
}

function expose({ hint = 'h2', authority = target }: Exposed = {}): void {
  const mirror = `web-east.a.svc.cluster.local:${port}`;
  const { ip, identity } = gateway;
  const behind = { ip, identity, port: 4143, hint, authority } as const;
  world.service(`${VIP}:${port}`, mirror, [behind], { protocol: hint === 'opaque' ? hint : 'detect' });
  world.profile(target, {
    fullyQualifiedName: 'web.a.svc.cluster.local',
    ...(hint === 'opaque' && { opaqueProtocol: true }),
  });
  world.endpoints(target, [web.endpoint(port, { hint })]);
}

const FORWARDED = () => `by=${gateway.identity};for=${client.identity};host=${target};proto=https`;

test('HTTP/1 reaches the name behind the gateway, which says who forwarded it for whom', async () => {
  serveHttp1(web, port, (request, response) => {
    const { host, forwarded, 'l5d-client-id': clientId } = request.headers;
    response.end(JSON.stringify({ host, forwarded, clientId }));
  });
  expose();
  const { status, body } = await get(client, VIP, port);
  assert.equal(status, 200);
  assert.deepEqual(JSON.parse(body), {
    host: target,
    forwarded: FORWARDED(),
    clientId: gateway.identity,
  });
});

test('HTTP/2 and gRPC do so too, streams and trailers included', async () => {
  let seen = '';
  serveHttp2(web, port, (stream, headers) => {
    seen = `${headers[':authority']} ${headers['forwarded']}`;
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.pipe(stream);
  });
  expose();
  const session = await connectHttp2(client, VIP, port);
  const head = { ...GRPC, ':path': '/chat.Chat/Say', ':authority': `web-east.a:${port}` };
  const { status, body, trailers } = await call(session, head, message('through'));
  session.destroy();
  assert.deepEqual([status, trailers['grpc-status']], [200, '0']);
  assert.deepEqual(messages(Buffer.from(body, 'latin1')).texts, ['through']);
  assert.equal(seen, `${target} ${FORWARDED()}`);
});

test('bytes pass through the gateway unread', async () => {
  serveTcp(web, port, (socket) => socket.pipe(socket));
  expose({ hint: 'opaque' });
  const socket = await client.dial(VIP, port);
  const sent = Buffer.alloc(100_000, 'bytes');
  const got = await new Promise<Buffer>((resolve, reject) => {
    let bytes = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      if (bytes.length >= sent.length) resolve(bytes);
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(bytes));
    socket.write(sent);
  });
  socket.destroy();
  assert.ok(got.equals(sent), `${got.length} bytes came back`);
});

test('names that are not under its suffixes are not found', async () => {
  expose({ authority: `secret.internal.example:${port}` });
  const { status, headers } = await get(client, VIP, port);
  assert.equal(status, 404);
  assert.match(headers['l5d-proxy-error'] ?? '', /bad gateway domain|^$/);
  assert.equal(await gateway.metric('inbound_http_errors_total', { error: 'gateway domain invalid' }), 1);
});

test('a name that leads back to the gateway is a loop', async () => {
  expose();
  const { ip, identity } = replica;
  world.endpoints(target, [{ ip, identity, port: 4143, hint: 'h2', authority: target }]);
  assert.equal((await get(client, VIP, port)).status, 508);
  assert.equal(await replica.metric('inbound_http_errors_total', { error: 'gateway loop' }), 1);
});

test("the policy of the gateway's own port admits its clients", async () => {
  serveHttp1(web, port, (_request, response) => response.end('in'));
  expose();
  world.port('gateway', 4143, everyone({ authorizations: [only(web.identity)] }));
  const becomes = (status: number) =>
    eventually(
      `status ${status}`,
      3_000,
      async () => (await get(client, VIP, port)).status === status || undefined,
      10,
    );
  await becomes(403);
  world.port('gateway', 4143, everyone({ authorizations: [only(client.identity)] }));
  await becomes(200);
});
