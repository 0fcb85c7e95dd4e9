import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import {
  CLIENT,
  endpoint,
  eventually,
  openPolicy,
  profile,
  serve,
  servicePolicy,
  TestProxy,
  usePair,
  Wire,
} from './testing/index.ts';

const GATEWAY = 'linkerd-gateway.multicluster.serviceaccount.identity.linkerd.cluster.local';
/** The mirror in the client's cluster; its port says which test. */
const MIRROR = 'web-east.a.svc.cluster.local:8';

let gateway: TestProxy;
let app: Awaited<ReturnType<typeof serve>>;
let seen = '';

const pair = usePair();

before(async () => {
  gateway = await TestProxy.start({
    name: GATEWAY,
    ca: pair.ca,
    env: { INBOUND_GATEWAY_SUFFIXES: 'svc.cluster.local.' },
  });
  app = await serve((socket) =>
    socket.on('data', (chunk) => {
      seen += chunk.toString('latin1');
      socket.write(seen.includes('HTTP/1') ? 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok' : 'pong');
    }),
  );
  pair.server.mesh.port(app.port).set(openPolicy());
});
after(async () => {
  app.close();
  await gateway.stop();
});

/** The endpoint that a mirror has: the gateway, with the name behind it. */
function throughGateway(name: string, h2 = false) {
  const [host = '', port] = name.split(':');
  return endpoint(gateway.inboundPort, {
    tls: { identity: GATEWAY, serverName: GATEWAY },
    h2,
    authorityOverride: { authority: name, host, port: Number(port) },
  });
}

/** Each test has names of its own, so that nothing is cached. */
let count = 0;
let name: string;
let host: string;
beforeEach(prepare);
function prepare(): void {
  seen = '';
  count++;
  host = `web${count}.a.svc.cluster.local`;
  name = `${host}:80`;
  const mirror = `${MIRROR}${count}`;
  pair.client.outboundDst = { ip: `10.96.1.${count}`, port: 80 };
  const addr = `10.96.1.${count}:80`;
  pair.client.mesh.profile(addr).set(profile({ fqn: 'web-east.a.svc.cluster.local' }));
  pair.client.mesh.outbound(addr).set(servicePolicy(mirror));
  pair.client.mesh.destination(mirror).set({ kind: 'add', endpoints: [throughGateway(name)] });
  gateway.mesh.port(gateway.inboundPort).set(openPolicy());
  gateway.mesh.profile(name).set(profile({ fqn: host }));
  gateway.mesh.outbound(name).set(servicePolicy(name));
  gateway.mesh.destination(name).set({ kind: 'add', endpoints: [pair.server.endpoint(app.port)] });
}

async function request(extra = ''): Promise<string> {
  const [head = ''] = await Wire.ask(
    pair.client.outboundPort,
    `GET /x HTTP/1.1\r\nhost: web-east\r\n${extra}\r\n`,
    /^HTTP\/1.1 \d+ [\s\S]*?\r\n\r\n/,
  );
  return head;
}

test('requests reach the name behind the gateway, which says for whom it passes them on', async () => {
  assert.match(await request(), /^HTTP\/1.1 200/);
  assert.match(seen, new RegExp(`^host: ${host}\\r$`, 'm'));
  assert.match(seen, new RegExp(`^forwarded: by=${GATEWAY};for=${CLIENT};host="?${host}:80"?;proto=https\\r$`, 'm'));
  assert.match(seen, new RegExp(`^l5d-client-id: ${GATEWAY}\\r$`, 'm'), 'the application sees the gateway as client');
  assert.equal(
    gateway.metric('inbound_tcp_transport_header_connections_total', { target_name: host, session_protocol: 'http/1' }),
    1,
  );
});

test('so do requests that travel as HTTP/2', async () => {
  pair.client.mesh.destination(`${MIRROR}${count}`).set({ kind: 'add', endpoints: [throughGateway(name, true)] });
  gateway.mesh.destination(name).set({ kind: 'add', endpoints: [pair.server.endpoint(app.port, { h2: true })] });
  assert.match(await request(), /^HTTP\/1.1 200/);
  assert.match(seen, new RegExp(`^forwarded: by=${GATEWAY};`, 'm'));
  assert.equal(
    gateway.metric('inbound_tcp_transport_header_connections_total', { target_name: host, session_protocol: 'http/2' }),
    1,
  );
});

test('routes of the profile behind the gateway apply, whatever the policy says', async () => {
  const one = { path: { test: (path: string) => path === '/x' } };
  gateway.mesh.profile(name).set(
    profile({
      fqn: host,
      routes: [
        {
          condition: { kind: 'path', regex: one.path },
          classes: [],
          labels: { route: 'x' },
          isRetryable: false,
          timeoutMs: undefined,
        },
      ],
    }),
  );
  assert.match(await request(), /^HTTP\/1.1 200/);
  assert.match(seen, new RegExp(`^l5d-dst-canonical: ${name}\\r$`, 'm'));
  await eventually(() => gateway.metric('route_response_total', { dst: name, rt_route: 'x' }) === 1, 'the response');
});

test('bytes pass too, without being looked at', async () => {
  pair.client.mesh.profile(`10.96.1.${count}:80`).set(profile({ fqn: 'db', opaque: true }));
  gateway.mesh.outbound(name).set({ code: 'NOT_FOUND' });
  pair.server.mesh.port(app.port).set(openPolicy({ protocol: 'opaque' }));
  const wire = await Wire.connect(pair.client.outboundPort);
  wire.send('ping');
  await wire.expect(/pong/);
  assert.equal(
    gateway.metric('inbound_tcp_transport_header_connections_total', { target_name: host, session_protocol: '' }),
    1,
  );
  wire.socket.destroy();
  pair.server.mesh.port(app.port).set(openPolicy());
});

test('other names, names without a profile and clients without permission are refused', async () => {
  const refused: readonly (readonly [string, () => void, RegExp])[] = [
    [
      'a foreign domain',
      () =>
        pair.client.mesh
          .destination(`${MIRROR}${count}`)
          .set({ kind: 'add', endpoints: [throughGateway('evil.example:80')] }),
      /^HTTP\/1.1 404/,
    ],
    ['no profile', () => gateway.mesh.profile(name).set({ code: 'INVALID_ARGUMENT' }), /^HTTP\/1.1 404/],
    [
      'no authorization',
      () => gateway.mesh.port(gateway.inboundPort).set(openPolicy({ authorizations: [] })),
      /^HTTP\/1.1 403/,
    ],
  ];
  for (const [what, change, answer] of refused) {
    prepare();
    change();
    assert.match(await request(), answer, what);
  }
  assert.equal(seen, '');
});

test('a name that is not exported is not found, until it is', async () => {
  gateway.mesh.profile(name).set(profile({ notExported: true }));
  assert.match(await request(), /^HTTP\/1.1 404/);
  assert.equal(gateway.metric('inbound_http_errors_total', { error: 'gateway service not exported' }), 1);
  gateway.mesh.profile(name).set(profile({ fqn: host }));
  assert.match(await request(), /^HTTP\/1.1 200/);
  prepare();
  pair.client.mesh.profile(`10.96.1.${count}:80`).set(profile({ fqn: 'db', opaque: true }));
  gateway.mesh.profile(name).set(profile({ notExported: true }));
  const wire = await Wire.connect(pair.client.outboundPort);
  wire.send('ping');
  await wire.expectClosed();
  wire.socket.destroy();
  assert.equal(gateway.metric('inbound_tcp_errors_total', { error: 'gateway service not exported' }), 1);
});

test('a request that this gateway has seen before is a loop', async () => {
  const head = await request(`forwarded: for=x;by="${GATEWAY}"\r\n`);
  assert.match(head, /^HTTP\/1.1 508/);
  await eventually(() => gateway.metric('inbound_http_errors_total', { error: 'gateway loop' }) > 0, 'the count');
  assert.match(await request('forwarded: by=someone.else\r\n'), /^HTTP\/1.1 200/);
});
