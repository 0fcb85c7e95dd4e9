import assert from 'node:assert/strict';
import http2 from 'node:http2';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import {
  ADDR,
  CLIENT,
  endpoint,
  eventually,
  openPolicy,
  PATH,
  profile,
  SERVER,
  serve,
  servicePolicy,
  TestProxy,
  usePair,
  Wire,
} from './testing/index.ts';

const pair = usePair({ fresh: true, env: { OUTBOUND_CONNECT_TIMEOUT: '300ms' } });

/** A web server that answers each request with its name. */
async function web(name: string, delayMs = 0): Promise<{ port: number; served: () => number; close: () => void }> {
  let count = 0;
  const app = await serve((socket) =>
    socket.on('data', () => {
      count++;
      setTimeout(() => socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${name.length}\r\n\r\n${name}`), delayMs);
    }),
  );
  pair.server.mesh.port(app.port).set(openPolicy());
  pair.atEnd(app.close);
  return { port: app.port, served: () => count, close: app.close };
}

async function get(wire?: Wire): Promise<string> {
  const one = wire ?? (await Wire.connect(pair.client.outboundPort));
  one.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  const [text] = await one.expect(/^HTTP\/1.1 (\d+)[\s\S]*?\r\n\r\n(\w*)/);
  if (!wire) one.socket.destroy();
  return text;
}

test('requests spread over endpoints, and a first add replaces while later ones add and remove', async () => {
  const [a, b] = [await web('a', 10), await web('b', 10)];
  pair.client.mesh.destination(PATH).set({ kind: 'add', endpoints: [pair.server.endpoint(a.port), endpoint(b.port)] });
  for (let i = 0; i < 4; i++) await Promise.all(Array.from({ length: 8 }, () => get()));
  assert.ok(a.served() > 3 && b.served() > 3, `${a.served()} and ${b.served()}`);
  pair.client.mesh.destination(PATH).push({ kind: 'remove', addrs: [{ ip: '127.0.0.1', port: a.port }] });
  const before = a.served();
  for (let i = 0; i < 10; i++) await get();
  assert.equal(a.served(), before);
  assert.equal(pair.client.metric('outbound_http_balancer_p2c_endpoints'), 1);
});

test('a request whose connection is refused goes to another endpoint, and none fails', async () => {
  const good = await web('good');
  const bad = await web('bad');
  bad.close();
  pair.client.mesh
    .destination(PATH)
    .set({ kind: 'add', endpoints: [endpoint(bad.port), pair.server.endpoint(good.port)] });
  for (let i = 0; i < 20; i++) assert.match(await get(), /^HTTP\/1.1 200[\s\S]*good/);
  assert.equal(pair.client.metric('outbound_http_balancer_endpoints', { endpoint_state: 'pending' }), 1);
});

test('without a ready endpoint requests wait, then fail fast, then are shed, until one appears', async () => {
  pair.client.mesh.destination(PATH).set({ kind: 'none', exists: true });
  const startMs = performance.now();
  const slow = await get();
  assert.match(slow, /^HTTP\/1.1 504 Gateway Timeout\r\nconnection: close\r\nl5d-proxy-error: service in fail-fast/);
  assert.match(slow, /\r\nl5d-proxy-connection: close/);
  assert.ok(performance.now() - startMs >= 350);
  assert.match(await get(), /^HTTP\/1.1 503 /, 'shed, without waiting');
  assert.equal(pair.client.metric('outbound_http_errors_total', { error: 'failfast' }), 1);
  assert.equal(
    pair.client.metric('outbound_http_route_request_statuses_total', { http_status: '504', error: 'FAIL_FAST' }),
    1,
  );
  const app = await web('new');
  pair.client.mesh.destination(PATH).push({ kind: 'add', endpoints: [endpoint(app.port)] });
  assert.match(await get(), /new/);
});

test('the address of a pod goes to the endpoint of its profile', async () => {
  const app = await web('pod');
  pair.client.mesh.outbound(ADDR).set({ code: 'NOT_FOUND' });
  pair.client.mesh.profile(ADDR).set(profile({ endpoint: pair.server.endpoint(app.port) }));
  assert.match(await get(), /pod/);
  assert.equal(pair.client.metric('request_total', { server_id: SERVER }), 1);
  assert.equal(pair.client.metric('outbound_http_route_backend_requests_total', { parent_name: 'endpoint' }), 1);
});

test('an address nobody knows is reached as it is, in plain text; refused means 502', async () => {
  const app = await web('direct');
  const noProfile = await TestProxy.start({ name: CLIENT, ca: pair.ca });
  // Stands for an address outside: loopback as such is refused.
  noProfile.outboundDst = { ip: '10.99.0.1', port: app.port };
  noProfile.mesh.outbound(`10.99.0.1:${app.port}`).set({ code: 'NOT_FOUND' });
  noProfile.mesh.profile(`10.99.0.1:${app.port}`).set(profile({ endpoint: endpoint(app.port) }));
  const wire = await Wire.connect(noProfile.outboundPort);
  wire.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  await wire.expect(/200 OK[\s\S]*direct/);
  app.close();
  await new Promise((resolve) => setTimeout(resolve, 30));
  wire.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  await wire.expect(/^HTTP\/1.1 502 Bad Gateway[\s\S]*ECONNREFUSED/);
  await noProfile.stop();
});

test('a destination the policy controller refuses closes the connection', async () => {
  pair.client.mesh.outbound(ADDR).set({ code: 'INVALID_ARGUMENT' });
  const wire = await Wire.connect(pair.client.outboundPort);
  await wire.expectClosed();
});

test('a policy that cannot be used answers 500', async () => {
  pair.client.mesh.outbound(ADDR).set(servicePolicy(PATH, { invalid: 'invalid client policy configuration' }));
  assert.match(await get(), /^HTTP\/1.1 500 /);
});

test('opaque: the server may speak first, bytes pass both ways, ends are passed on', async () => {
  const app = await serve((socket) => {
    socket.write('220 ready\r\n');
    let got = '';
    socket.on('data', (chunk) => {
      got += chunk.toString();
    });
    socket.on('end', () => socket.end(`bye ${got}`));
  });
  pair.atEnd(app.close);
  pair.server.mesh.port(app.port).set(openPolicy({ protocol: 'opaque', routes: [] }));
  pair.client.mesh.profile(ADDR).set(profile({ fqn: 'web.a.svc.cluster.local', opaque: true }));
  pair.client.mesh
    .destination(PATH)
    .set({ kind: 'add', endpoints: [pair.server.endpoint(app.port, { opaque: true })] });
  const wire = await Wire.connect(pair.client.outboundPort);
  await wire.expect(/^220 ready\r\n/);
  wire.socket.end('quit');
  await wire.expect(/^bye quit$/);
  await wire.expectClosed();
  await eventually(() => pair.client.metric('tcp_open_connections') === 0, 'connections are counted down');
  assert.equal(pair.client.metric('tcp_open_total', { direction: 'outbound', peer: 'dst', server_id: SERVER }), 1);
  assert.equal(pair.client.metric('tcp_write_bytes_total', { peer: 'dst' }), 4);
  assert.equal(
    pair.server.metric('tcp_open_total', {
      direction: 'inbound',
      peer: 'src',
      client_id: CLIENT,
      target_port: String(app.port),
    }),
    1,
  );
});

test('a server that speaks first on a detected port is heard after the time for detection', async () => {
  const app = await serve((socket) => socket.write('hello'));
  pair.atEnd(app.close);
  pair.server.mesh.port(app.port).set(openPolicy());
  pair.client.mesh.destination(PATH).set({ kind: 'add', endpoints: [pair.server.endpoint(app.port)] });
  const wire = await Wire.connect(pair.client.outboundPort);
  await wire.expect(/^hello$/);
  assert.equal(pair.client.metric('outbound_tcp_detect_http_results_total', { result: 'read_timeout' }), 1);
  wire.socket.destroy();
});

test('an opaque connection that is refused goes to another endpoint', async () => {
  const dead = await web('dead');
  dead.close();
  const app = await serve((socket) => socket.write('alive'));
  pair.atEnd(app.close);
  pair.client.mesh.profile(ADDR).set(profile({ opaque: true }));
  pair.client.mesh.destination(PATH).set({ kind: 'add', endpoints: [endpoint(dead.port), endpoint(app.port)] });
  for (let i = 0; i < 6; i++) {
    const wire = await Wire.connect(pair.client.outboundPort);
    await wire.expect(/^alive$/);
    wire.socket.destroy();
  }
});

test('HTTP/2 by prior knowledge passes as it is, over mutual TLS', async () => {
  const h2 = http2.createServer((request, response) => response.end(`${request.httpVersion} ${request.url}`));
  await new Promise<void>((resolve) => h2.listen(0, '127.0.0.1', resolve));
  const { port } = h2.address() as { port: number };
  pair.server.mesh.port(port).set(openPolicy());
  pair.client.mesh.destination(PATH).set({ kind: 'add', endpoints: [pair.server.endpoint(port)] });
  const session = http2.connect(`http://127.0.0.1:${pair.client.outboundPort}`);
  const body = await new Promise<string>((resolve, reject) => {
    session.on('error', reject);
    const request = session.request({ ':path': '/two' });
    let text = '';
    request.setEncoding('utf8');
    request.on('data', (chunk) => {
      text += chunk;
    });
    request.on('end', () => resolve(text));
    request.on('error', reject);
  });
  assert.equal(body, '2.0 /two');
  assert.ok(pair.client.metric('outbound_tcp_protocol_connections_total', { protocol: 'detect' }) > 0);
  assert.equal(pair.client.metric('outbound_tcp_protocol_connections_total', { protocol: 'http/2' }), 0);
  assert.equal(pair.client.metric('outbound_tcp_detect_http_results_total', { result: 'http/2' }), 1);
  session.destroy();
  h2.close();
});

test('a loopback destination is refused', async () => {
  pair.client.outboundDst = { ip: '127.0.0.1', port: 80 };
  const wire = await Wire.connect(pair.client.outboundPort);
  await wire.expectClosed();
});

test('a server that does not answer within the time to connect is left out', async () => {
  const good = await web('good');
  // A peer that accepts and never speaks TLS.
  const mute = await serve(() => undefined);
  pair.atEnd(mute.close);
  const tls = { identity: SERVER, serverName: SERVER };
  pair.client.mesh
    .destination(PATH)
    .set({ kind: 'add', endpoints: [endpoint(1, { tls, inboundPort: mute.port }), pair.server.endpoint(good.port)] });
  for (let i = 0; i < 6; i++) assert.match(await get(), /good/);
});

test('drain: a request under way is finished, then the connection ends; new ones are not taken', async () => {
  let socket: Socket | undefined;
  const app = await serve((one) =>
    one.on('data', () => {
      socket = one;
    }),
  );
  pair.atEnd(app.close);
  pair.client.mesh.destination(PATH).set({ kind: 'add', endpoints: [endpoint(app.port)] });
  const wire = await Wire.connect(pair.client.outboundPort);
  wire.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  await eventually(() => socket !== undefined, 'the request arrives');
  const idle = await Wire.connect(pair.client.outboundPort);
  const port = pair.client.outboundPort;
  const drained = pair.client.bound.drain(2_000);
  await assert.rejects(Wire.connect(port));
  socket!.write('HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nlast');
  await wire.expect(/connection: close[\s\S]*last$/);
  await wire.expectClosed();
  idle.socket.destroy();
  assert.equal(await drained, true);
});

test('the admin port says live, ready and metrics, and keeps switches to this machine', async () => {
  const url = `http://127.0.0.1:${pair.client.adminPort}`;
  assert.equal(await (await fetch(`${url}/live`)).text(), 'live\n');
  assert.equal(await (await fetch(`${url}/ready`)).text(), 'ready\n');
  assert.match(await (await fetch(`${url}/metrics`)).text(), /# EOF\n$/);
  assert.deepEqual(await (await fetch(`${url}/env.json?A&B`)).json(), { A: '1', B: null });
  assert.equal((await fetch(`${url}/proxy-log-level`, { method: 'PUT', body: 'debug' })).status, 204);
  assert.equal((await fetch(`${url}/proxy-log-level`, { method: 'PUT', body: 'bad' })).status, 400);
  assert.equal((await fetch(`${url}/shutdown`, { method: 'POST' })).status, 404);
  assert.equal((await fetch(`${url}/shutdown`)).status, 405);
  assert.equal((await fetch(`${url}/nothing`)).status, 404);
});

test('filters of a route change requests and responses, or answer themselves', async () => {
  let seen = '';
  const app = await serve((socket) =>
    socket.on('data', (chunk) => {
      seen += chunk.toString();
      socket.write('HTTP/1.1 200 OK\r\nx-old: 1\r\ncontent-length: 2\r\n\r\nok');
    }),
  );
  pair.atEnd(app.close);
  const base = servicePolicy(PATH);
  const [route] = base.http1.routes;
  const withFilters = (filters: (typeof base.http1.routes)[number]['rules'][number]['filters']) => ({
    ...base,
    http1: { routes: [{ ...route!, rules: [{ ...route!.rules[0]!, filters }] }], breaker: undefined },
  });
  const edit = (set: readonly (readonly [string, string])[], remove: readonly string[]) => ({ add: [], set, remove });
  pair.client.mesh.outbound(ADDR).set(
    withFilters([
      { kind: 'request-headers', edit: edit([['x-new', '2']], ['x-drop']) },
      { kind: 'response-headers', edit: edit([], ['x-old']) },
    ]),
  );
  pair.client.mesh.destination(PATH).set({ kind: 'add', endpoints: [endpoint(app.port)] });
  const wire = await Wire.connect(pair.client.outboundPort);
  wire.send('GET / HTTP/1.1\r\nhost: a\r\nX-Drop: 1\r\nx-new: 1\r\n\r\n');
  await wire.expect(/^HTTP\/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok$/);
  assert.equal(seen, 'GET / HTTP/1.1\r\nhost: a\r\nx-new: 2\r\n\r\n');
  pair.client.mesh.outbound(ADDR).set(withFilters([{ kind: 'fail', status: 418, message: 'teapot', ratio: 1 }]));
  wire.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  await wire.expect(/^HTTP\/1.1 418 [\s\S]*teapot[\s\S]*content-length: 0\r\n\r\n$/);
  const redirect = {
    kind: 'redirect',
    status: 302,
    scheme: 'https',
    host: undefined,
    port: undefined,
    path: undefined,
  } as const;
  pair.client.mesh.outbound(ADDR).set(withFilters([redirect]));
  wire.send('GET /x HTTP/1.1\r\nhost: a\r\n\r\n');
  await wire.expect(/^HTTP\/1.1 302 Found\r\nlocation: https:\/\/a\/x\r\n/);
  wire.socket.destroy();
});
