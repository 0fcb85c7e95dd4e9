import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultMeta } from './discover/index.ts';
import { eventually, openPolicy, serve, usePair, Wire } from './testing/index.ts';

const pair = usePair({ env: { INGRESS_MODE: 'true' } });

test('a request that names an address of the proxy itself gets nowhere, however it is written', async () => {
  const own = ['127.0.0.1', '127.1.2.3', '0.0.0.0', '[::1]', '[0:0::1]', '[::ffff:127.0.0.1]', '[::]'];
  for (const ip of own) {
    // Nobody knows of it: it would be dialled as it is.
    const written = ip.replace(/[[\]]/g, '');
    pair.client.mesh.outbound(`${written}:${pair.client.adminPort}`).set({ code: 'NOT_FOUND' });
    const wire = await Wire.connect(pair.client.outboundPort);
    wire.send(`GET /live HTTP/1.1\r\nhost: a\r\nl5d-dst-override: ${ip}:${pair.client.adminPort}\r\n\r\n`);
    await wire.expect(/^HTTP\/1.1 508 /);
    wire.socket.destroy();
  }
});

test('a connection that a new policy forbids while it is being made is ended', async () => {
  const app = await serve((socket) => socket.write('hello'));
  const policy = pair.server.mesh.port(app.port);
  policy.set(openPolicy({ protocol: 'opaque' }));
  pair.server.inboundDst = { ip: '127.0.0.1', port: app.port };
  // The first one is what the policy is looked up for.
  (await Wire.connect(pair.server.inboundPort)).socket.destroy();
  await eventually(() => policy.opened === 1, 'the policy is known');
  const first = await Wire.connect(pair.server.inboundPort);
  await first.expect(/hello/);
  // Between the decision about the second connection and the connection to the application.
  Object.defineProperty(pair.server, 'inboundDst', {
    configurable: true,
    get: () => {
      queueMicrotask(() => policy.set(openPolicy({ protocol: 'opaque', authorizations: [] })));
      return { ip: '127.0.0.1', port: app.port };
    },
  });
  const second = await Wire.connect(pair.server.inboundPort);
  await second.expectClosed();
  assert.equal(second.text, '');
  assert.equal(pair.server.metric('inbound_tcp_authz_terminate_total'), 2);
  await eventually(() => pair.server.metric('tcp_open_connections') === 0, 'nothing counts as open');
  Object.defineProperty(pair.server, 'inboundDst', { configurable: true, writable: true, value: undefined });
  app.close();
});

test('a connection that outlives many policies keeps the metrics of the last one only', async () => {
  const app = await serve((socket) => {
    socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'));
  });
  const policy = pair.server.mesh.port(app.port);
  pair.server.inboundDst = { ip: '127.0.0.1', port: app.port };
  const released: string[] = [];
  const release = pair.server.metrics.release.bind(pair.server.metrics);
  pair.server.metrics.release = (name, labels) => {
    if (name === 'request_total') released.push(String((labels as Record<string, string>)['srv_name']));
    release(name, labels);
  };
  const wire = await Wire.connect(pair.server.inboundPort);
  for (const name of ['one', 'two', 'three']) {
    policy.set(openPolicy({ meta: { ...defaultMeta(name) } }));
    wire.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
    await wire.expect(/^HTTP\/1.1 200 OK\r\ncontent-length: 0\r\n\r\n/);
  }
  assert.deepEqual(released, ['one', 'two']);
  wire.socket.destroy();
  await eventually(() => released.length === 3, 'the last one goes with the connection');
  pair.server.inboundDst = undefined;
  app.close();
});
