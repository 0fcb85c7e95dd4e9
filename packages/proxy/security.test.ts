import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import tls from 'node:tls';
import { encodeTransportHeader, TRANSPORT_ALPN } from '#wire/transport-header';
import { eventually, openPolicy, profile, serve, servicePolicy, TestCa, TestProxy, Wire } from './testing/index.ts';

const PATH = 'web.a.svc.cluster.local:80';
const CLIENT = 'client.a.serviceaccount.identity.linkerd.cluster.local';
const SERVER = 'web.a.serviceaccount.identity.linkerd.cluster.local';

let ca: TestCa;
let other: TestCa;
let server: TestProxy;
let app: Awaited<ReturnType<typeof serve>>;
let requests = 0;

before(async () => {
  ca = new TestCa();
  other = new TestCa();
  server = await TestProxy.start({ name: SERVER, ca });
  app = await serve((socket) =>
    socket.on('data', () => {
      requests++;
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
    }),
  );
  server.mesh.port(app.port).set(openPolicy());
});

after(async () => {
  app.close();
  await server.stop();
});

/** Mesh TLS by hand to the server's inbound port. */
function dialServer(
  material: { keyPem: string; chainPem: string } | undefined,
  changes: tls.ConnectionOptions = {},
): tls.TLSSocket {
  return tls.connect({
    host: '127.0.0.1',
    port: server.inboundPort,
    servername: SERVER,
    ca: ca.pem,
    ...(material && { key: material.keyPem, cert: material.chainPem }),
    checkServerIdentity: () => undefined,
    ALPNProtocols: [TRANSPORT_ALPN],
    minVersion: 'TLSv1.3',
    ...changes,
  });
}

/** Sends a header and a request; whether an answer came before the end. */
async function isServed(socket: tls.TLSSocket): Promise<boolean> {
  const wire = new Wire(socket);
  socket.write(encodeTransportHeader({ port: app.port, name: '', session: 'http/1' }));
  socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  try {
    await wire.expect(/ok$/);
    return true;
  } catch {
    return false; // closed, or silent: not served
  } finally {
    socket.destroy();
  }
}

test('a client certificate of our authority is served on the direct port', async () => {
  assert.equal(await isServed(dialServer(ca.issue(CLIENT))), true);
  assert.equal(
    server.metric('inbound_tcp_transport_header_connections_total', { session_protocol: 'http/1', client_id: CLIENT }),
    1,
  );
});

test('a forged client certificate is refused, logged and counted', async () => {
  const before = requests;
  assert.equal(await isServed(dialServer(other.issue(CLIENT))), false);
  assert.equal(requests, before);
  assert.ok(
    server.log.lines.some((line) => /does not chain to the trust anchors/.test(line)),
    server.log.lines.join('\n'),
  );
  assert.equal(server.metric('inbound_tcp_errors_total', { error: 'unexpected' }), 1);
});

test('an expired client certificate is refused', async () => {
  assert.equal(await isServed(dialServer(ca.issue(CLIENT, -3_600_000))), false);
  assert.ok(
    server.log.lines.some((line) => /CERT_HAS_EXPIRED|expired/.test(line)),
    server.log.lines.slice(-3).join('\n'),
  );
});

test('the direct port refuses clients without a certificate, without ALPN, without TLS and for other names', async () => {
  const before = requests;
  assert.equal(await isServed(dialServer(undefined)), false);
  assert.equal(await isServed(dialServer(ca.issue(CLIENT), { ALPNProtocols: [] })), false);
  assert.equal(await isServed(dialServer(ca.issue(CLIENT), { servername: 'someone.else' })), false);
  assert.equal(await isServed(dialServer(ca.issue(CLIENT), { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' })), false);
  const wire = await Wire.connect(server.inboundPort);
  wire.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  await wire.expectClosed();
  assert.equal(requests, before);
});

test('a header for a port of the proxy itself is a loop and refused', async () => {
  const socket = dialServer(ca.issue(CLIENT));
  const wire = new Wire(socket);
  socket.write(encodeTransportHeader({ port: server.inboundPort, name: '', session: undefined }));
  await wire.expectClosed();
  assert.ok(server.log.lines.some((line) => /addressed to the proxy itself/.test(line)));
});

async function outboundTo(
  identity: string,
  proxy: Partial<Parameters<typeof TestProxy.start>[0]> = {},
): Promise<{ text: string; client: TestProxy }> {
  const client = await TestProxy.start({ name: CLIENT, ca, ...proxy });
  client.mesh.profile('10.96.0.10:80').set(profile());
  client.mesh.outbound('10.96.0.10:80').set(servicePolicy(PATH));
  const endpoint = server.endpoint(app.port, { tls: { identity, serverName: SERVER } });
  client.mesh.destination(PATH).set({ kind: 'add', endpoints: [endpoint] });
  const [text] = await Wire.ask(
    client.outboundPort,
    'GET / HTTP/1.1\r\nhost: a\r\n\r\n',
    /^HTTP\/1.1 [\s\S]*\r\n\r\n(ok)?/,
  );
  await client.stop();
  return { text, client };
}

test('a server with another identity than discovery named gets no request', async () => {
  const before = requests;
  const { text } = await outboundTo('mallory.a.serviceaccount.identity.linkerd.cluster.local');
  assert.match(text, /^HTTP\/1.1 50[24]/);
  assert.equal(requests, before);
});

test('a server of another authority gets no request', async () => {
  const before = requests;
  const { text } = await outboundTo(SERVER, { ca: other });
  assert.match(text, /^HTTP\/1.1 50[24]/);
  assert.equal(requests, before);
});

test('policy: identities, suffixes and networks decide, and a change takes effect at once', async () => {
  const authorized = (clients: 'any-tls' | { identities: Set<string>; suffixes: string[] }) => {
    const open = openPolicy();
    return openPolicy({ authorizations: [{ ...open.authorizations[0]!, clients }] });
  };
  const topic = server.mesh.port(app.port);
  topic.set(authorized({ identities: new Set(['someone.else']), suffixes: [] }));
  const socket = dialServer(ca.issue(CLIENT));
  const wire = new Wire(socket);
  socket.write(encodeTransportHeader({ port: app.port, name: '', session: 'http/1' }));
  socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  const [denied] = await wire.expect(/^HTTP\/1.1 403 Forbidden\r\n[\s\S]*\r\n\r\n/);
  assert.match(denied, /l5d-proxy-error: unauthorized request on route/);
  assert.equal(server.metric('inbound_http_authz_deny_total', { client_id: CLIENT }), 1);
  const told = server.log.lines.filter((line) => line.includes('Request denied'));
  assert.equal(told.filter((line) => line.includes(CLIENT)).length, 1, told.join('\n'));
  // The same connection, after the policy changed.
  topic.set(authorized({ identities: new Set(), suffixes: ['serviceaccount.identity.linkerd.cluster.local'] }));
  socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  await wire.expect(/200 OK[\s\S]*ok$/);
  topic.set(authorized('any-tls'));
  socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  await wire.expect(/200 OK[\s\S]*ok$/);
  socket.destroy();
  // Nobody without mesh TLS; and strangers are not told why.
  server.inboundDst = { ip: '127.0.0.1', port: app.port };
  const stranger = await Wire.connect(server.inboundPort);
  stranger.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  await stranger.expect(/^HTTP\/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n/);
  stranger.socket.destroy();
  server.inboundDst = undefined;
  topic.set(openPolicy());
});

test('an opaque connection is cut when its client is no longer authorized', async () => {
  const opaque = openPolicy({ protocol: 'opaque', routes: [] });
  server.mesh.port(app.port).set(opaque);
  const socket = dialServer(ca.issue(CLIENT));
  const wire = new Wire(socket);
  socket.write(encodeTransportHeader({ port: app.port, name: '', session: undefined }));
  socket.write('anything');
  await wire.expect(/ok$/);
  server.mesh.port(app.port).set({ ...opaque, authorizations: [] });
  await wire.expectClosed();
  assert.equal(server.metric('inbound_tcp_authz_terminate_total'), 1);
  server.mesh.port(app.port).set(openPolicy());
});

test('an unusable policy lets nothing in and says so', async () => {
  server.mesh.port(app.port).set(openPolicy({ invalid: 'invalid server configuration: the protocol is missing' }));
  const socket = dialServer(ca.issue(CLIENT));
  const wire = new Wire(socket);
  socket.write(encodeTransportHeader({ port: app.port, name: '', session: 'http/1' }));
  socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  await wire.expect(/^HTTP\/1.1 500 [\s\S]*invalid server configuration/);
  server.mesh.port(app.port).set(openPolicy());
  socket.destroy();
});

test('TLS for another name is passed through unread', async () => {
  const inner = await new Promise<{ port: number; close: () => void }>((resolve) => {
    const { keyPem, chainPem } = other.issue('shop.example');
    const tlsServer = tls.createServer({ key: keyPem, cert: chainPem }, (socket) => socket.end('the real shop'));
    tlsServer.listen(0, '127.0.0.1', () =>
      resolve({ port: (tlsServer.address() as { port: number }).port, close: () => tlsServer.close() }),
    );
  });
  server.mesh.port(inner.port).set(openPolicy());
  server.inboundDst = { ip: '127.0.0.1', port: inner.port };
  const socket = dialServer(undefined, { servername: 'shop.example', ca: other.pem, ALPNProtocols: [] });
  await new Wire(socket).expect(/the real shop/);
  assert.equal(server.metric('tcp_open_total', { tls: 'opaque', sni: 'shop.example' }), 1);
  server.inboundDst = undefined;
  inner.close();
});

test('an original destination that is not this pod is refused', async () => {
  const strict = await TestProxy.start({ name: SERVER, ca, env: { INBOUND_IPS: '127.0.0.1' } });
  strict.inboundDst = { ip: '10.1.2.3', port: 80 };
  const wire = await Wire.connect(strict.inboundPort);
  await wire.expectClosed();
  assert.ok(strict.log.lines.some((line) => /10\.1\.2\.3:80 is not this pod/.test(line)));
  await strict.stop();
});

test('a silent client on a detected port is closed after the time for detection', async () => {
  server.inboundDst = { ip: '127.0.0.1', port: app.port };
  const wire = await Wire.connect(server.inboundPort);
  await wire.expectClosed();
  await eventually(
    () => server.metric('inbound_tcp_errors_total', { error: 'tls detection timeout' }) === 1,
    'it is counted',
  );
  server.inboundDst = undefined;
});
