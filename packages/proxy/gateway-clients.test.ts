/** Who a server takes for the client of what a gateway passes on. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import tls from 'node:tls';
import { encodeTransportHeader, TRANSPORT_ALPN, type TransportHeader } from '#wire/transport-header';
import type { ServerPolicy } from './discover/index.ts';
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

const DOMAIN = 'serviceaccount.identity.linkerd.cluster.local';
const GATEWAY = `linkerd-gateway.multicluster.${DOMAIN}`;
const ADMIN = `admin.a.${DOMAIN}`;

const pair = usePair({ env: { INBOUND_TRUSTED_GATEWAYS: 'linkerd-gateway.multicluster', ACCESS_LOG: 'json' } });
let gateway: TestProxy;
let app: Awaited<ReturnType<typeof serve>>;
let seen = '';
/** The application ends connections behind its answer. */
let closes = false;

before(async () => {
  gateway = await TestProxy.start({
    name: GATEWAY,
    ca: pair.ca,
    env: { INBOUND_GATEWAY_SUFFIXES: 'svc.cluster.local.' },
  });
  app = await serve((socket) =>
    socket.on('data', (chunk) => {
      seen += chunk.toString('latin1');
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
      if (closes) socket.end();
    }),
  );
});
after(async () => {
  app.close();
  await gateway.stop();
});

/** Each test has names of its own, so that nothing is cached. */
let count = 0;
let name: string;
beforeEach(() => {
  seen = '';
  closes = false;
  count++;
  const host = `web${count}.a.svc.cluster.local`;
  name = `${host}:80`;
  pair.client.outboundDst = { ip: `10.96.2.${count}`, port: 80 };
  const addr = `10.96.2.${count}:80`;
  const mirror = `web-east.a.svc.cluster.local:9${count}`;
  const authorityOverride = { authority: name, host, port: 80 };
  const through = { tls: { identity: GATEWAY, serverName: GATEWAY }, h2: true, authorityOverride };
  pair.client.mesh.profile(addr).set(profile({ fqn: 'web-east.a.svc.cluster.local' }));
  pair.client.mesh.outbound(addr).set(servicePolicy(mirror));
  pair.client.mesh.destination(mirror).set({ kind: 'add', endpoints: [endpoint(gateway.inboundPort, through)] });
  gateway.mesh.port(gateway.inboundPort).set(openPolicy());
  gateway.mesh.profile(name).set(profile({ fqn: host }));
  gateway.mesh.outbound(name).set(servicePolicy(name));
  gateway.mesh.destination(name).set({ kind: 'add', endpoints: [pair.server.endpoint(app.port, { h2: true })] });
});

function admit(identity: string, changes: Partial<ServerPolicy> = {}): void {
  const open = openPolicy();
  const [first] = open.authorizations;
  const clients = { identities: new Set([identity]), suffixes: [] };
  pair.server.mesh.port(app.port).set({ ...open, ...changes, authorizations: [{ ...first!, clients }] });
}

/** What the client of a test does to be bytes for its proxy. */
function asBytes(): void {
  closes = true;
  const { ip, port } = pair.client.outboundDst;
  pair.client.mesh.profile(`${ip}:${port}`).set(profile({ fqn: 'web-east.a.svc.cluster.local', opaque: true }));
}

const GET = 'GET /x HTTP/1.1\r\nhost: web-east\r\n';
async function status(extra = ''): Promise<string> {
  const [, found = ''] = await Wire.ask(pair.client.outboundPort, `${GET}${extra}\r\n`, /^HTTP\/1.1 (\d+)/);
  return found;
}
/** Whether an answer comes, on a connection that is closed behind it or instead of it. */
async function isAnswered(wire: Wire, text: string): Promise<boolean> {
  wire.send(text);
  await wire.expectClosed();
  wire.socket.destroy();
  return /HTTP\/1.1 200/.test(wire.text);
}
const forged = (client: string) => `forwarded: by=${GATEWAY};for=${client};host=x;proto=https\r\n`;

test('requests are authorized, counted and logged as those of the client behind the gateway', async () => {
  admit(CLIENT);
  assert.equal(await status(), '200');
  assert.match(seen, new RegExp(`^l5d-client-id: ${CLIENT}\\r$`, 'm'));
  assert.match(seen, new RegExp(`^forwarded: by=${GATEWAY};for=${CLIENT};`, 'm'));
  assert.equal(pair.server.metric('inbound_http_authz_allow_total', { client_id: CLIENT }), 1);
  assert.equal(pair.server.metric('tcp_open_total', { peer: 'src', client_id: GATEWAY }), 1);
  await eventually(() => pair.server.accessLog.length > 0, 'a line');
  assert.equal(JSON.parse(pair.server.accessLog[0] ?? '{}')['client.id'], CLIENT);
});

test('so are those that reach the server as HTTP/1', async () => {
  admit(CLIENT);
  gateway.mesh.destination(name).set({ kind: 'add', endpoints: [pair.server.endpoint(app.port)] });
  assert.equal(await status(), '200');
  assert.match(seen, new RegExp(`^l5d-client-id: ${CLIENT}\\r$`, 'm'));
});

test('whoever may not ask is refused, and the gateway does not speak for itself', async () => {
  for (const other of [ADMIN, GATEWAY]) {
    admit(other);
    assert.equal(await status(), '403', other);
  }
  assert.equal(seen, '');
});

test("what a client writes of itself into its request is not the gateway's word", async () => {
  admit(ADMIN);
  for (const extra of [
    `forwarded: by=other;for=${ADMIN};host=x;proto=https\r\n`,
    `forwarded: for=${ADMIN}\r\nconnection: forwarded\r\n`,
    `forwarded: by="x;by=${GATEWAY}";for=${ADMIN}\r\n`,
    `l5d-client-id: ${ADMIN}\r\n`,
  ])
    assert.equal(await status(extra), '403', extra);
  assert.equal(await status(forged(ADMIN)), '508', 'a loop for the gateway');
  assert.equal(seen, '');
});

test('a client that does not come through the gateway is itself, and its forged word goes no further', async () => {
  pair.client.outboundDst = { ip: '10.96.0.10', port: 80 };
  pair.client.mesh.profile(ADDR).set(profile({ fqn: 'web.a.svc.cluster.local' }));
  pair.client.mesh.destination(PATH).set({ kind: 'add', endpoints: [pair.server.endpoint(app.port, { h2: true })] });
  admit(CLIENT);
  assert.equal(await status(`${forged(ADMIN)}forwarded: for=192.0.2.1\r\n`), '200');
  assert.match(seen, new RegExp(`^l5d-client-id: ${CLIENT}\\r$`, 'm'));
  assert.doesNotMatch(seen, /by=/);
  assert.match(seen, /^forwarded: for=192.0.2.1\r$/m);
  admit(ADMIN);
  assert.equal(await status(forged(ADMIN)), '403');
});

test('connections of bytes are those of the client behind the gateway', async () => {
  asBytes();
  admit(CLIENT, { protocol: 'opaque' });
  assert.equal(await isAnswered(await Wire.connect(pair.client.outboundPort), `${GET}\r\n`), true);
  assert.equal(pair.server.metric('inbound_tcp_authz_allow_total', { client_id: CLIENT }), 1);
  for (const other of [ADMIN, GATEWAY]) {
    admit(other, { protocol: 'opaque' });
    assert.equal(await isAnswered(await Wire.connect(pair.client.outboundPort), `${GET}\r\n`), false, other);
  }
});

test('a request that a client hides in bytes is believed as little, whatever the port takes', async () => {
  asBytes();
  for (const protocol of ['detect', 'http1', 'opaque'] as const) {
    admit(ADMIN, { protocol });
    const text = `${GET}${forged(ADMIN)}\r\n`;
    assert.equal(await isAnswered(await Wire.connect(pair.client.outboundPort), text), false, protocol);
  }
  assert.equal(seen, '');
});

test('without a transport header nobody is known to ask', async () => {
  asBytes();
  const bare = { tls: { identity: SERVER, serverName: SERVER } };
  gateway.mesh.destination(name).set({ kind: 'add', endpoints: [endpoint(pair.server.inboundPort, bare)] });
  pair.server.inboundDst = { ip: '127.0.0.1', port: app.port };
  try {
    for (const identity of [ADMIN, GATEWAY]) {
      admit(identity);
      // The server finds HTTP in the bytes.
      assert.equal(await status(forged(ADMIN)), '403', identity);
    }
    assert.equal(seen, '');
  } finally {
    pair.server.inboundDst = undefined;
  }
});

/** Mesh TLS by hand to the server's own port. */
function dial(identity: string): Promise<Wire> {
  const { keyPem, chainPem } = pair.ca.issue(identity);
  return new Promise((resolve, reject) => {
    const socket = tls.connect({
      host: '127.0.0.1',
      port: pair.server.inboundPort,
      servername: SERVER,
      ca: pair.ca.pem,
      key: keyPem,
      cert: chainPem,
      checkServerIdentity: () => undefined,
      ALPNProtocols: [TRANSPORT_ALPN],
      minVersion: 'TLSv1.3',
    });
    socket.once('error', reject);
    socket.once('secureConnect', () => resolve(new Wire(socket)));
  });
}

test('nobody but a trusted gateway names another as client in a transport header', async () => {
  closes = true;
  admit(ADMIN, { protocol: 'opaque' });
  const header: TransportHeader = { port: app.port, name: '', session: undefined, client: ADMIN };
  const claim = async (identity: string, changes: Partial<TransportHeader> = {}) => {
    const wire = await dial(identity);
    wire.socket.write(encodeTransportHeader({ ...header, ...changes }));
    return isAnswered(wire, `${GET}\r\n`);
  };
  assert.equal(await claim(GATEWAY), true);
  assert.equal(await claim(CLIENT), false);
  assert.equal(await claim(`linkerd-gateway.multicluster.${DOMAIN.replace('cluster.local', 'other.test')}`), false);
  assert.equal(await claim(GATEWAY, { client: `${ADMIN}\r\nx: y` }), false, 'no identity');
});

test('of many clients on one connection each is itself', async () => {
  const wire = await dial(GATEWAY);
  admit('client7.a.test');
  wire.socket.write(encodeTransportHeader({ port: app.port, name: '', session: 'http/1' }));
  const ask = async (client: string) => {
    wire.send(`${GET}${forged(client)}\r\n`);
    const [, found] = await wire.expect(/HTTP\/1.1 (\d+)[\s\S]*?\r\n\r\n(ok)?/);
    return found;
  };
  for (let at = 0; at < 300; at++) assert.equal(await ask(`client${at}.a.test`), at === 7 ? '200' : '403');
  assert.equal(await ask('client7.a.test'), '200');
  await eventually(
    () => pair.server.metric('inbound_http_authz_allow_total', { client_id: 'client7.a.test' }) === 2,
    '2',
  );
  wire.socket.destroy();
});

test('whoever trusts no gateway takes it for the client, as Linkerd does', async () => {
  const plain = await TestProxy.start({ name: SERVER, ca: pair.ca });
  try {
    const open = openPolicy();
    const clients = { identities: new Set([GATEWAY]), suffixes: [] };
    plain.mesh.port(app.port).set({ ...open, authorizations: [{ ...open.authorizations[0]!, clients }] });
    gateway.mesh.destination(name).set({ kind: 'add', endpoints: [plain.endpoint(app.port, { h2: true })] });
    assert.equal(await status(), '200');
    assert.match(seen, new RegExp(`^l5d-client-id: ${GATEWAY}\\r$`, 'm'));
  } finally {
    await plain.stop();
  }
});
