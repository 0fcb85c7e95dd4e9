import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import tls from 'node:tls';
import { type Distribution, defaultMeta, type OutboundTlsRoute } from './discover/index.ts';
import { endpoint, eventually, servicePolicy, TestCa, TestProxy, Wire } from './testing/index.ts';

const ca = new TestCa();
const servers: tls.Server[] = [];
let client: TestProxy;

/** A TLS server of the application's own that says its name. */
async function tlsServer(name: string): Promise<number> {
  const { keyPem, chainPem } = ca.issue(name);
  const server = tls.createServer({ key: keyPem, cert: chainPem }, (socket) => {
    socket.on('error', () => socket.destroy());
    socket.end(name);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

function route(name: string, snis: OutboundTlsRoute['snis'], port: number, refuse?: 'forbidden'): OutboundTlsRoute {
  const backend = { meta: defaultMeta(name), target: { kind: 'forward', endpoint: endpoint(port) } } as const;
  const distribution: Distribution = { kind: 'first', backends: [{ backend, weight: 1, filters: [] }] };
  return { meta: defaultMeta(name), snis, distribution, refuse };
}

before(async () => {
  client = await TestProxy.start({
    name: 'client.a.serviceaccount.identity.linkerd.cluster.local',
    ca,
    env: { OUTBOUND_METRICS_HOSTNAME_LABELS: 'true' },
  });
  const [exact, suffix, other] = [await tlsServer('exact'), await tlsServer('suffix'), await tlsServer('other')];
  client.mesh.profile('10.96.0.10:80').set({ code: 'INVALID_ARGUMENT' });
  client.mesh.outbound('10.96.0.10:80').set(
    servicePolicy('none', {
      protocol: 'tls',
      tlsRoutes: [
        route('any', [], other),
        route('suffix', [{ kind: 'suffix', value: 'example.com' }], suffix),
        route('exact', [{ kind: 'exact', value: 'api.example.com' }], exact),
        route('no', [{ kind: 'exact', value: 'forbidden.example.com' }], exact, 'forbidden'),
      ],
    }),
  );
});
after(async () => {
  for (const server of servers) server.close();
  await client.stop();
});

/** What the server behind a name says; undefined: the connection was closed. */
function ask(servername: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = tls.connect({ host: '127.0.0.1', port: client.outboundPort, servername, rejectUnauthorized: false });
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    socket.on('error', () => resolve(undefined));
    socket.on('close', () => resolve(text === '' ? undefined : text));
  });
}

test('connections go by their server name: a whole name first, then the longest suffix, then any', async () => {
  assert.equal(await ask('api.example.com'), 'exact');
  assert.equal(await ask('www.example.com'), 'suffix');
  assert.equal(await ask('example.org'), 'other');
  assert.equal(client.metric('outbound_tls_route_open_total', { route_name: 'exact', hostname: 'api.example.com' }), 1);
  await eventually(
    () => client.metric('outbound_tls_route_close_total', { route_name: 'suffix', error: '' }) === 1,
    'the close',
  );
  assert.equal(client.metric('outbound_tcp_protocol_connections_total', { protocol: 'tls' }), 3);
});

test('a name that is forbidden, and a connection without a name, are closed', async () => {
  assert.equal(await ask('forbidden.example.com'), undefined);
  assert.equal(client.metric('outbound_tls_route_close_total', { route_name: 'no', error: 'forbidden' }), 1);
  const wire = await Wire.connect(client.outboundPort);
  wire.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  await wire.expectClosed();
  assert.ok(client.log.lines.some((line) => /TLS routes require a server name/.test(line)));
});
