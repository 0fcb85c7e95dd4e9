import assert from 'node:assert/strict';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { defaultMeta, type InboundRoute } from './discover/index.ts';
import {
  endpoint,
  eventually,
  openPolicy,
  PATH,
  profile,
  SERVER,
  serve,
  servicePolicy,
  TestCa,
  TestProxy,
  usePair,
  Wire,
} from './testing/index.ts';

/** What policies of ports and destinations make of connections, protocol by protocol. */

let app: http2.Http2Server;
let appPort: number;
/** Speaks first, then echoes. */
let greeter: Awaited<ReturnType<typeof serve>>;

const pair = usePair();

before(async () => {
  app = http2.createServer();
  app.on('stream', (stream: http2.ServerHttp2Stream) => {
    stream.on('error', () => undefined);
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.end();
  });
  await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve));
  appPort = (app.address() as AddressInfo).port;
  greeter = await serve((socket) => {
    socket.write('220 hello\r\n');
    socket.on('data', (chunk) => socket.write(chunk));
    socket.on('end', () => socket.end());
  });
});
after(async () => {
  app.close();
  greeter.close();
});

/** gRPC status of a call through the client's proxy, or the HTTP status where there is none. */
async function call(path: string): Promise<string> {
  const session = http2.connect(`http://127.0.0.1:${pair.client.outboundPort}`);
  session.on('error', () => undefined);
  try {
    return await new Promise((resolve, reject) => {
      const stream = session.request({
        ':method': 'POST',
        ':path': path,
        ':authority': 'web.a',
        'content-type': 'application/grpc',
        te: 'trailers',
      });
      let answer = '';
      stream.on('response', (headers) => {
        answer = String(headers['grpc-status'] ?? headers[':status']);
      });
      stream.on('trailers', (trailers) => {
        answer = String(trailers['grpc-status']);
      });
      stream.on('error', reject);
      stream.on('close', () => resolve(answer));
      stream.resume();
      stream.end();
    });
  } finally {
    session.destroy();
  }
}

function grpcRoute(name: string, service: string, changes: Partial<InboundRoute> = {}): InboundRoute {
  const match = { path: undefined, headers: [], query: [], method: undefined, rpc: { service, method: '' } };
  return {
    meta: defaultMeta(name),
    hosts: [],
    rules: [{ matches: [match], filters: [] }],
    authorizations: [],
    ...changes,
  };
}

test('gRPC policies route by service on both sides, without looking at the bytes first', async () => {
  const { http2: all, ...rest } = servicePolicy(PATH);
  const [route] = all.routes;
  const rule = { ...route!.rules[0]!, ...grpcRoute('', 'a.Known').rules[0]! };
  pair.client.mesh
    .outbound('10.96.0.10:80')
    .set({ ...rest, protocol: 'grpc', http2: { routes: [{ ...route!, rules: [rule] }], breaker: undefined } });
  pair.client.mesh.destination(PATH).set({ kind: 'add', endpoints: [pair.server.endpoint(appPort, { h2: true })] });
  pair.server.mesh.port(appPort).set(openPolicy({ protocol: 'grpc', routes: [grpcRoute('known', 'a.Known')] }));
  assert.equal(await call('/a.Known/Go'), '0');
  assert.equal(await call('/a.Unknown/Go'), '5', 'no route of the client takes it');
  pair.server.mesh.port(appPort).set(openPolicy({ protocol: 'grpc', routes: [grpcRoute('other', 'a.Other')] }));
  assert.equal(await call('/a.Known/Go'), '5', 'no route of the server takes it');
  pair.server.mesh
    .port(appPort)
    .set(openPolicy({ protocol: 'grpc', authorizations: [], routes: [grpcRoute('known', 'a.Known')] }));
  assert.equal(await call('/a.Known/Go'), '7', 'nobody may');
  assert.equal(pair.client.metric('outbound_tcp_detect_http_results_total', {}), 0);
  assert.ok(pair.client.metric('outbound_tcp_protocol_connections_total', { protocol: 'http/2' }) >= 4);
});

test('a server that speaks first needs an opaque port, and then waits for nothing', async () => {
  const dst = { ip: '10.96.0.11', port: 25 };
  pair.client.outboundDst = dst;
  pair.client.mesh.profile('10.96.0.11:25').set(profile({ fqn: 'mail.a.svc.cluster.local', opaque: true }));
  pair.client.mesh.outbound('10.96.0.11:25').set(servicePolicy('mail.a.svc.cluster.local:25'));
  pair.client.mesh
    .destination('mail.a.svc.cluster.local:25')
    .set({ kind: 'add', endpoints: [pair.server.endpoint(greeter.port, { opaque: true })] });
  pair.server.mesh.port(greeter.port).set(openPolicy({ protocol: 'opaque' }));
  const detections = (): number =>
    pair.client.metric('outbound_tcp_detect_http_results_total') +
    pair.server.metric('inbound_tcp_detect_http_results_total');
  const before = detections();
  const wire = await Wire.connect(pair.client.outboundPort);
  await wire.expect(/^220 hello\r\n/);
  assert.equal(detections(), before, 'nobody looked what the client would say');
  wire.send('EHLO');
  await wire.expect(/EHLO/);
  wire.socket.end();
  await wire.expectClosed();
  pair.client.outboundDst = { ip: '10.96.0.10', port: 80 };
});

test('requests that come with a transport header find no route on an opaque port', async () => {
  pair.server.mesh.port(appPort).set(openPolicy({ protocol: 'opaque', routes: [] }));
  assert.equal(await call('/a.Known/Go'), '5');
});

test('ports that allow only HTTP take no other bytes, and cut those they had when that becomes so', async () => {
  pair.server.inboundDst = { ip: '127.0.0.1', port: greeter.port };
  pair.server.mesh.port(greeter.port).set(openPolicy({ protocol: 'detect' }));
  const wire = await Wire.connect(pair.server.inboundPort);
  wire.send('\x00 not HTTP at all, and long enough to tell');
  await wire.expect(/220 hello/);
  pair.server.mesh.port(greeter.port).set(openPolicy({ protocol: 'http1' }));
  await wire.expectClosed();
  assert.equal(pair.server.metric('inbound_tcp_authz_terminate_total', { target_port: String(greeter.port) }), 1);
  // TLS of the application's own is bytes too.
  const tls = await Wire.connect(pair.server.inboundPort);
  tls.send(`\x16\x03\x01\x00\x2f\x01\x00\x00\x2b\x03\x03${'\x00'.repeat(32)}\x00\x00\x02\x13\x01\x01\x00\x00\x00`);
  await tls.expectClosed();
  assert.equal(pair.server.metric('inbound_tcp_authz_deny_total', { tls: 'opaque' }), 1);
  pair.server.inboundDst = undefined;
});

test('connections that are let in by an audit are logged, each once', async () => {
  pair.server.inboundDst = { ip: '127.0.0.1', port: greeter.port };
  const [authorization] = openPolicy().authorizations;
  const audit = { ...authorization!, meta: defaultMeta('audit') };
  pair.server.mesh.port(greeter.port).set(openPolicy({ protocol: 'opaque', routes: [], authorizations: [audit] }));
  const wire = await Wire.connect(pair.server.inboundPort);
  await wire.expect(/220 hello/);
  const lines = pair.server.log.lines.filter((line) => line.includes('Connection allowed'));
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? '', /client\.tls=none client\.ip=127\.0\.0\.1 .*authz\.name=audit/);
  pair.server.inboundDst = undefined;
});

test('requests of HTTP/2 wait for an application that starts, those of HTTP/1 fail at once', async () => {
  const gone = await serve(() => undefined);
  gone.close();
  pair.server.inboundDst = { ip: '127.0.0.1', port: gone.port };
  pair.server.mesh.port(gone.port).set(openPolicy());
  const wire = await Wire.connect(pair.server.inboundPort);
  wire.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  await wire.expect(/^HTTP\/1.1 502/);
  const session = http2.connect(`http://127.0.0.1:${pair.server.inboundPort}`);
  session.on('error', () => undefined);
  const ask = (): Promise<number> =>
    new Promise((resolve, reject) => {
      const stream = session.request({ ':path': '/', ':authority': 'a' });
      stream.on('response', (headers) => resolve(Number(headers[':status'])));
      stream.on('error', reject);
      stream.resume();
    });
  const late = ask();
  await new Promise((resolve) => setTimeout(resolve, 50));
  const back = http2.createServer((_, response) => response.end('here'));
  await new Promise<void>((resolve) => back.listen(gone.port, '127.0.0.1', resolve));
  assert.equal(await late, 200);
  back.close();
  session.destroy();
  pair.server.inboundDst = undefined;
});

test('an HTTP/2 request whose application never comes fails fast', async () => {
  const gone = await serve(() => undefined);
  gone.close();
  const proxy = await TestProxy.start({
    name: SERVER,
    ca: new TestCa(),
    env: { INBOUND_HTTP_FAILFAST_TIMEOUT: '150ms' },
  });
  proxy.inboundDst = { ip: '127.0.0.1', port: gone.port };
  proxy.mesh.port(gone.port).set(openPolicy());
  const session = http2.connect(`http://127.0.0.1:${proxy.inboundPort}`);
  session.on('error', () => undefined);
  const stream = session.request({ ':path': '/', ':authority': 'a' });
  stream.resume();
  const status = await new Promise((resolve) => stream.on('response', (headers) => resolve(headers[':status'])));
  assert.equal(status, 504);
  await eventually(() => proxy.metric('inbound_http_errors_total', { error: 'failfast' }) === 1, 'the count');
  session.destroy();
  await proxy.stop();
});

test('an endpoint without mesh is reached in the version that was asked', async () => {
  const dst = { ip: '10.96.0.12', port: 80 };
  pair.client.outboundDst = dst;
  pair.client.mesh.profile('10.96.0.12:80').set({ code: 'INVALID_ARGUMENT' });
  pair.client.mesh.outbound('10.96.0.12:80').set(servicePolicy('plain.a.svc.cluster.local:80'));
  pair.client.mesh.destination('plain.a.svc.cluster.local:80').set({ kind: 'add', endpoints: [endpoint(appPort)] });
  assert.equal(await call('/a.Known/Go'), '0');
  pair.client.outboundDst = { ip: '10.96.0.10', port: 80 };
});
