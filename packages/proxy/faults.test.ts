import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { FAULTS, type FaultCode } from '#model/faults';
import type { OutboundPolicy } from './discover/index.ts';
import { openPolicy, profile, serve, servicePolicy, TestCa, TestProxy, Wire } from './testing/index.ts';

/** The test that raises each fault: a file of this package, and the test's name. */
const RAISED_BY: Readonly<Record<FaultCode, readonly [file: string, test: string]>> = {
  'bad-dst-override': ['ingress.test.ts', 'a header that names no host, and a name that nobody knows, are answered'],
  'bad-gateway-domain': [
    'gateway.test.ts',
    'other names, names without a profile and clients without permission are refused',
  ],
  'bad-proxy-header': ['proxy-protocol.test.ts', 'a connection without the header is closed, and the log says why'],
  'bad-request': ['http1.test.ts', 'ambiguous framing is refused and never reaches the application'],
  'bad-transport-header': [
    'security.test.ts',
    'the direct port refuses clients without a certificate, without ALPN, without TLS and for other names',
  ],
  'client-gone': ['http/h1.test.ts', 'a client that goes away in the middle of its request cuts it off upstream'],
  'client-identity-required': [
    'security.test.ts',
    'the direct port refuses clients without a certificate, without ALPN, without TLS and for other names',
  ],
  'connect-refused': [
    'outbound.test.ts',
    'an address nobody knows is reached as it is, in plain text; refused means 502',
  ],
  'connect-timeout': ['outbound.test.ts', 'a server that does not answer within the time to connect is left out'],
  'discovery-required': ['ingress.test.ts', 'a header that names no host, and a name that nobody knows, are answered'],
  'fail-fast': [
    'outbound.test.ts',
    'without a ready endpoint requests wait, then fail fast, then are shed, until one appears',
  ],
  'filter-failure': [
    'routes/filters.test.ts',
    'a redirect changes what it names, keeps the rest, and is none when nothing changes',
  ],
  'forged-client': ['security.test.ts', 'a forged client certificate is refused, logged and counted'],
  'gateway-loop': ['gateway.test.ts', 'a request that this gateway has seen before is a loop'],
  'h2-client-malformed': [
    'http/h2.test.ts',
    'a broken connection is told from its clients, and bad frames end it with a reason',
  ],
  'h2-client-silent': [
    'http/h2.test.ts',
    'a client that does not answer pings is cut off, and told of to the operator',
  ],
  'h2-keep-alive': ['http/h2.test.ts', 'a server that does not answer pings is given up, and its requests fail'],
  'head-too-large': ['faults.test.ts', 'a head that is larger than allowed is 431, and the connection closes'],
  'identity-mismatch': ['security.test.ts', 'a server with another identity than discovery named gets no request'],
  'identity-required': ['balancing.test.ts', 'a client that demands a server identity gets that server or none'],
  'idle-timeout': [
    'http/exchange.test.ts',
    'the whole request, the response and silence are bounded: 504 before the head, a break behind it',
  ],
  'invalid-policy': ['outbound.test.ts', 'a policy that cannot be used answers 500'],
  'load-shed': [
    'outbound.test.ts',
    'without a ready endpoint requests wait, then fail fast, then are shed, until one appears',
  ],
  'not-exported': ['gateway.test.ts', 'a name that is not exported is not found, until it is'],
  'no-backend': ['faults.test.ts', 'a backend that leads nowhere is 502'],
  'no-original-destination': [
    'faults.test.ts',
    'a connection of which nobody knows where it was meant to go is closed',
  ],
  'profile-timeout': [
    'http/exchange.test.ts',
    'the whole request, the response and silence are bounded: 504 before the head, a break behind it',
  ],
  'rate-limited': [
    'resilience.test.ts',
    'requests past the rate limit of a port are 429, and counted by whose limit it was',
  ],
  'request-timeout': [
    'resilience.test.ts',
    'a request that takes too long is 504, the connection stays; a response that does breaks off',
  ],
  'response-headers-timeout': [
    'http/exchange.test.ts',
    'an attempt that does not begin to answer in time gives way to the next; the last one may take longer',
  ],
  'response-timeout': [
    'http/exchange.test.ts',
    'the whole request, the response and silence are bounded: 504 before the head, a break behind it',
  ],
  'route-not-found': ['faults.test.ts', 'a request that no route takes is 404, in both directions'],
  'slow-client': [
    'http/h1.test.ts',
    'a head that does not come to its end in time is answered 408; silence between requests is not bounded',
  ],
  'sni-required': ['tls-routes.test.ts', 'a name that is forbidden, and a connection without a name, are closed'],
  'stream-calm': [
    'h2.test.ts',
    'resets of the server reach the client with their codes, also in the middle of a response',
  ],
  'stream-cancelled': [
    'h2.test.ts',
    'resets of the server reach the client with their codes, also in the middle of a response',
  ],
  'stream-goaway': [
    'http/h2.test.ts',
    'requests above the last stream of GOAWAY go to a new connection, those below finish',
  ],
  'stream-refused': [
    'http/exchange.test.ts',
    'a request that the server surely did not act on is tried again whatever its method, a bounded number of times',
  ],
  'stream-reset': [
    'h2.test.ts',
    'resets of the server reach the client with their codes, also in the middle of a response',
  ],
  'tls-detect-timeout': [
    'security.test.ts',
    'a silent client on a detected port is closed after the time for detection',
  ],
  'tls-handshake': ['security.test.ts', 'a server of another authority gets no request'],
  'unauthorized-connection': ['faults.test.ts', 'a connection that no authorization admits is closed and counted'],
  'upgraded-reset': ['upgraded.test.ts', 'a reset of the HTTP/2 in between is told as what it is'],
  'upstream-malformed': ['http/h1.test.ts', 'a switch of protocols that nobody asked for, or a malformed head, is 502'],
  'upstream-reset': ['http1.test.ts', 'a kept connection that the server closed meanwhile costs no request'],
  injected: [
    'resilience.test.ts',
    'rewrites change what the server sees, delays what the client waits, failures what it gets',
  ],
  loop: ['security.test.ts', 'a header for a port of the proxy itself is a loop and refused'],
  redirected: ['outbound.test.ts', 'filters of a route change requests and responses, or answer themselves'],
  unauthorized: [
    'security.test.ts',
    'policy: identities, suffixes and networks decide, and a change takes effect at once',
  ],
};

test('every fault has a test that raises it', () => {
  for (const code of Object.keys(FAULTS) as FaultCode[]) {
    const [file, name] = RAISED_BY[code];
    const text = readFileSync(join(import.meta.dirname, file), 'utf8');
    assert.ok(text.includes(`test('${name}'`), `${code}: no test '${name}' in ${file}`);
  }
});

const PATH = 'web.a.svc.cluster.local:80';
const ADDR = '10.96.0.10:80';

let client: TestProxy;
let server: TestProxy;

before(async () => {
  const ca = new TestCa();
  client = await TestProxy.start({ name: 'client.a.serviceaccount.identity.linkerd.cluster.local', ca });
  server = await TestProxy.start({ name: 'web.a.serviceaccount.identity.linkerd.cluster.local', ca });
  client.mesh.profile(ADDR).set(profile());
});

after(async () => {
  await client.stop();
  await server.stop();
});

const routed = (path: string): Pick<OutboundPolicy, 'http1' | 'http2'> => {
  const { http1 } = servicePolicy(PATH);
  const match = { path: { kind: 'exact', value: path }, headers: [], query: [], method: undefined } as const;
  const [route] = http1.routes;
  const http = { ...http1, routes: [{ ...route!, rules: [{ ...route!.rules[0]!, matches: [match] }] }] };
  return { http1: http, http2: http };
};

async function answer(port: number, path = '/'): Promise<string> {
  const [text] = await Wire.ask(port, `GET ${path} HTTP/1.1\r\nhost: a\r\n\r\n`, /^HTTP\/1.1 [\s\S]*\r\n\r\n/);
  return text;
}

test('a request that no route takes is 404, in both directions', async () => {
  client.mesh.outbound(ADDR).set(servicePolicy(PATH, routed('/only')));
  assert.match(await answer(client.outboundPort, '/other'), /^HTTP\/1.1 404 /);
  const app = await serve((socket) => socket.end());
  const open = openPolicy();
  const match = { path: { kind: 'exact', value: '/only' }, headers: [], query: [], method: undefined } as const;
  const routes = open.routes.map((route) => ({ ...route, rules: [{ matches: [match], filters: [] }] }));
  server.mesh.port(app.port).set(openPolicy({ routes }));
  server.inboundDst = { ip: '127.0.0.1', port: app.port };
  assert.match(await answer(server.inboundPort, '/other'), /^HTTP\/1.1 404 /);
  assert.equal(server.metric('inbound_http_route_not_found_total'), 1);
  server.inboundDst = undefined;
  app.close();
});

test('a head that is larger than allowed is 431, and the connection closes', async () => {
  for (const lines of [`x-long: ${'x'.repeat(70_000)}`, 'x-many: 1\r\n'.repeat(1_000).trimEnd()]) {
    const wire = await Wire.connect(client.outboundPort);
    wire.send(`GET / HTTP/1.1\r\nhost: a\r\n${lines}\r\n\r\n`);
    await wire.expect(/^HTTP\/1.1 431 [\s\S]*connection: close/);
    await wire.expectClosed();
  }
});

test('a backend that leads nowhere is 502', async () => {
  const { http1, parent } = servicePolicy(PATH);
  const [route] = http1.routes;
  const backend = { meta: parent, target: { kind: 'none' } } as const;
  const distribution = { kind: 'first', backends: [{ backend, weight: 1, filters: [] }] } as const;
  const http = { ...http1, routes: [{ ...route!, rules: [{ ...route!.rules[0]!, distribution }] }] };
  client.mesh.outbound(ADDR).set(servicePolicy(PATH, { http1: http, http2: http }));
  assert.match(await answer(client.outboundPort), /^HTTP\/1.1 502 [\s\S]*backend has no dispatcher/);
});

test('a connection of which nobody knows where it was meant to go is closed', async () => {
  const { outboundDst } = client;
  // Stands for a connection that was not redirected.
  (client as { outboundDst: unknown }).outboundDst = undefined;
  const wire = await Wire.connect(client.outboundPort);
  await wire.expectClosed();
  assert.ok(client.log.lines.some((line) => /the original destination is unknown/.test(line)));
  client.outboundDst = outboundDst;
});

test('a connection that no authorization admits is closed and counted', async () => {
  const app = await serve((socket) => socket.end('secret'));
  server.mesh.port(app.port).set(openPolicy({ protocol: 'opaque', routes: [], authorizations: [] }));
  server.inboundDst = { ip: '127.0.0.1', port: app.port };
  const first = await Wire.connect(server.inboundPort); // makes the policy known
  first.socket.destroy();
  const wire = await Wire.connect(server.inboundPort);
  wire.send('hello, no TLS here');
  await wire.expectClosed();
  assert.equal(wire.text, '');
  assert.ok(server.metric('inbound_tcp_authz_deny_total') >= 1);
  server.inboundDst = undefined;
  app.close();
});
