import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { Cidr, defaultMeta } from './discover/index.ts';
import { eventually, openPolicy, serve, TestCa, TestProxy, Wire } from './testing/index.ts';

let proxy: TestProxy;
let app: Awaited<ReturnType<typeof serve>>;
let opaque: Awaited<ReturnType<typeof serve>>;
let seen = '';

before(async () => {
  app = await serve((socket) =>
    socket.on('data', (chunk) => {
      seen += chunk.toString('latin1');
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
    }),
  );
  opaque = await serve((socket) => socket.on('data', (chunk) => socket.write(chunk)));
  proxy = await TestProxy.start({
    name: 'web.a.serviceaccount.identity.linkerd.cluster.local',
    ca: new TestCa(),
    env: { WEFT_PROXY_INBOUND_PROXY_PROTOCOL_PORTS: `${app.port},${opaque.port}`, ACCESS_LOG: 'apache' },
  });
  // Only clients of one network may come in.
  const net = Cidr.of({ ip: '192.0.2.0', prefix: 24 })!;
  const authorizations = [{ meta: defaultMeta('few'), networks: [{ net, except: [] }], clients: 'any' as const }];
  proxy.mesh.port(app.port).set(openPolicy({ authorizations }));
  proxy.mesh.port(opaque.port).set(openPolicy({ authorizations, protocol: 'opaque' }));
});
after(async () => {
  app.close();
  opaque.close();
  await proxy.stop();
});
beforeEach(() => {
  seen = '';
  proxy.inboundDst = { ip: '127.0.0.1', port: app.port };
});

async function status(beginning: string): Promise<string> {
  const wire = await Wire.connect(proxy.inboundPort);
  for (const byte of beginning) wire.send(byte);
  wire.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  const [, found = ''] = await wire.expect(/^HTTP\/1.1 (\d+)/);
  wire.socket.destroy();
  return found;
}

test('the client is who the header says: for the policy, for the log, and not for the application', async () => {
  assert.equal(await status('PROXY TCP4 192.0.2.7 10.0.0.1 4711 80\r\n'), '200');
  assert.equal(await status('PROXY TCP4 198.51.100.7 10.0.0.1 4711 80\r\n'), '403');
  assert.match(seen, /^GET \/ HTTP/);
  await eventually(() => proxy.accessLog.some((line) => line.startsWith('192.0.2.7:4711 ')), 'the line of the log');
});

test('a header that names nobody leaves the client as it was', async () => {
  assert.equal(await status('PROXY UNKNOWN\r\n'), '403');
});

test('bytes pass behind the header, even on ports that are not looked at', async () => {
  proxy.inboundDst = { ip: '127.0.0.1', port: opaque.port };
  const wire = await Wire.connect(proxy.inboundPort);
  wire.send('PROXY TCP4 192.0.2.7 10.0.0.1 4711 80\r\nfirst');
  await wire.expect(/^first/);
  wire.send('more');
  await wire.expect(/^more/);
  wire.socket.destroy();
});

test('a connection without the header is closed, and the log says why', async () => {
  const wire = await Wire.connect(proxy.inboundPort);
  wire.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  await wire.expectClosed();
  assert.equal(seen, '');
  assert.ok(proxy.log.lines.some((line) => /only connections with a PROXY protocol header/.test(line)));
});
