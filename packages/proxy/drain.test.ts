import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  eventually,
  H2Peer,
  openPolicy,
  serve,
  serveH2,
  servicePolicy,
  TestCa,
  TestProxy,
  Wire,
} from './testing/index.ts';

const PATH = 'web.a.svc.cluster.local:80';
const NAME = (name: string): string => `${name}.a.serviceaccount.identity.linkerd.cluster.local`;

let ca: TestCa;
let client: TestProxy;
let apps: { port: number; close: () => void }[];
let http1: Awaited<ReturnType<typeof serve>>[];

before(async () => {
  ca = new TestCa();
  const answer = (): ReturnType<typeof serveH2> =>
    serveH2(({ stream }) =>
      setTimeout(() => {
        stream.respond(200, [], false);
        stream.data(Buffer.from('ok'), 0, 2, true);
      }, 3),
    );
  apps = await Promise.all([answer(), answer()]);
  const answer1 = (): ReturnType<typeof serve> =>
    serve((socket) => {
      socket.on('data', () => setTimeout(() => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'), 3));
    });
  http1 = await Promise.all([answer1(), answer1()]);
  client = await TestProxy.start({ name: NAME('client'), ca });
  const rest = { opaque: false, endpoint: undefined, routes: [], retryBudget: undefined, overrides: [] };
  client.mesh.profile('10.96.0.10:80').set({ fqn: 'web.a.svc.cluster.local', ...rest });
  client.mesh.outbound('10.96.0.10:80').set(servicePolicy(PATH));
});

after(async () => {
  for (const app of [...apps, ...http1]) app.close();
  await client.stop();
});

/** Two proxies in front of applications; the first is drained while requests flow. */
async function drainOne(ports: readonly [number, number], run: (more: () => boolean) => Promise<void>): Promise<void> {
  const servers = await Promise.all(
    ports.map(async (port, i) => {
      const server = await TestProxy.start({ name: NAME(`web${i}`), ca });
      server.mesh.port(port).set(openPolicy());
      return server;
    }),
  );
  const endpoints = servers.map((server, i) => server.endpoint(ports[i]!, { h2: true }));
  client.mesh.destination(PATH).set({ kind: 'add', endpoints });
  let more = true;
  const under = run(() => more);
  await new Promise((resolve) => setTimeout(resolve, 100));
  const requests = (server: TestProxy): number => server.metric('request_total', { direction: 'inbound' });
  await eventually(() => servers.every((server) => requests(server) > 0), 'both get requests');
  const startMs = performance.now();
  const clean = await servers[0]!.bound.drain(60_000);
  assert.ok(clean, 'nothing had to be cut');
  assert.ok(performance.now() - startMs < 30_000, 'the drain ends when the requests under way have');
  const before = requests(servers[1]!);
  await eventually(() => requests(servers[1]!) > before + 20, 'the other goes on');
  more = false;
  await under;
  await servers[1]!.stop();
}

test('a proxy that is drained under HTTP/2 load loses no request', async () => {
  let served = 0;
  await drainOne([apps[0]!.port, apps[1]!.port], async (more) => {
    const peer = await H2Peer.connect(client.outboundPort);
    const worker = async (): Promise<void> => {
      while (more()) {
        const seen = peer.request({ ':method': 'POST' }, 'x');
        await eventually(() => seen.ended || seen.resetCode !== undefined, 'an answer');
        assert.equal(seen.resetCode, undefined);
        assert.equal(seen.response?.status, 200);
        served++;
      }
    };
    await Promise.all(Array.from({ length: 16 }, worker));
    peer.close();
  });
  assert.ok(served >= 32, `${served} served`); // each worker twice, however slow the machine
});

test('nor does one under HTTP/1 load that travels as HTTP/2', async () => {
  let served = 0;
  await drainOne([http1[0]!.port, http1[1]!.port], async (more) => {
    const worker = async (): Promise<void> => {
      const wire = await Wire.connect(client.outboundPort);
      while (more()) {
        wire.send('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\n\r\nx');
        await wire.expect(/^HTTP\/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok$/);
        served++;
      }
      wire.socket.end();
    };
    await Promise.all(Array.from({ length: 16 }, worker));
  });
  assert.ok(served >= 32, `${served} served`); // each worker twice, however slow the machine
});

test('a proxy that drains ends its own clients in order too', async () => {
  const own = await TestProxy.start({ name: NAME('own'), ca });
  const rest = { opaque: false, endpoint: undefined, routes: [], retryBudget: undefined, overrides: [] };
  own.mesh.profile('10.96.0.10:80').set({ fqn: 'web.a.svc.cluster.local', ...rest });
  own.mesh.outbound('10.96.0.10:80').set(servicePolicy(PATH));
  const server = await TestProxy.start({ name: NAME('web'), ca });
  server.mesh.port(http1[0]!.port).set(openPolicy());
  own.mesh.destination(PATH).set({ kind: 'add', endpoints: [server.endpoint(http1[0]!.port, { h2: true })] });
  const wire = await Wire.connect(own.outboundPort);
  wire.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  await wire.expect(/\r\n\r\nok$/);
  wire.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  await new Promise((resolve) => setTimeout(resolve, 1));
  const drained = own.bound.drain(2_000);
  await wire.expect(/connection: close[\s\S]*\r\n\r\nok$/);
  await wire.expectClosed();
  wire.socket.end();
  assert.ok(await drained);
  await server.stop();
});
