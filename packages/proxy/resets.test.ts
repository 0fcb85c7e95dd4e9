import assert from 'node:assert/strict';
import { once } from 'node:events';
import type net from 'node:net';
import { after, before, test } from 'node:test';
import { eventually, openPolicy, profile, serve, usePair, Wire } from './testing/index.ts';
import { ADDR, PATH } from './testing/pair.fake.ts';

const pair = usePair();
let app: Awaited<ReturnType<typeof serve>>;
/** The application's end of the last connection. */
let served: net.Socket;

before(async () => {
  app = await serve((socket) => {
    served = socket;
    socket.write('half of it');
  });
  pair.server.mesh.port(app.port).set(openPolicy({ protocol: 'opaque', routes: [] }));
  pair.client.mesh.profile(ADDR).set(profile({ fqn: 'web.a.svc.cluster.local', opaque: true }));
  pair.client.mesh
    .destination(PATH)
    .set({ kind: 'add', endpoints: [pair.server.endpoint(app.port, { opaque: true })] });
});
after(() => app.close());

async function connected(): Promise<Wire> {
  const wire = await Wire.connect(pair.client.outboundPort);
  await wire.expect(/half of it/);
  return wire;
}

test('what a server breaks off does not look to its client as if it were complete', async () => {
  const wire = await connected();
  served.resetAndDestroy();
  await eventually(() => wire.closed, 'the connection is over');
  assert.deepEqual([wire.error, wire.ended], ['ECONNRESET', false]);
  await eventually(() => pair.client.metric('tcp_open_connections') === 0, 'nothing counts as open');
});

test('what a client breaks off does not look to its server as if it were complete', async () => {
  const wire = await connected();
  const error = once(served, 'error');
  let ended = false;
  served.on('end', () => {
    ended = true;
  });
  wire.socket.resetAndDestroy();
  assert.equal(((await error)[0] as NodeJS.ErrnoException).code, 'ECONNRESET');
  assert.equal(ended, false);
});
