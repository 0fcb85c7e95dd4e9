import assert from 'node:assert/strict';
import http2 from 'node:http2';
import net, { type AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { Fault } from '#model/faults';
import { systemClock } from '#runtime/clock';
import { HTTP2_ERROR } from '#wire/http2';
import { eventually, H2Peer } from '../testing/index.ts';
import type { ResponseSink, Sender, UpstreamSink } from './contract.ts';
import { requestOf } from './exchange.fake.ts';
import { Http2Client } from './h2-client.ts';
import { Counted, hop, SETTINGS } from './h2-hop.fake.ts';
import { createHttpShared } from './shared.ts';

/** An application of HTTP/2; what it does with a request is up to the test. */
async function application(handle: (stream: http2.ServerHttp2Stream, path: string) => void) {
  const sessions: http2.ServerHttp2Session[] = [];
  const server = http2.createServer();
  server.on('session', (session) => sessions.push(session));
  server.on('stream', (stream: http2.ServerHttp2Stream, headers) => {
    stream.on('error', () => undefined);
    handle(stream, String(headers[':path']));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      for (const session of sessions) session.destroy();
      server.close();
    },
  };
}

test('the response that holds most is broken off by itself: the others on its connection come whole', async () => {
  const sizes: Readonly<Record<string, number>> = { '/most': 80_000, '/some': 50_000 };
  const app = await application((stream, path) => {
    stream.respond({ ':status': 200 });
    stream.end(Buffer.alloc(sizes[path] ?? 5, 97));
  });
  const proxy = await hop(app.port);
  const client = await H2Peer.connect(proxy.port, { streamWindow: 20_000 });
  client.standStill();
  try {
    const most = client.request({ ':path': '/most' });
    const some = client.request({ ':path': '/some' });
    const parts = () => [...proxy.servers][0]?.heldParts(16_384).sort((a, b) => b.bytes - a.bytes) ?? [];
    await eventually(
      () => parts().length === 2 && parts()[0]!.bytes > 40_000 && parts()[1]!.bytes === 30_000,
      'both wait',
    );
    const [server = assert.fail()] = proxy.servers;
    assert.ok(server.heldBytes() > 70_000);
    parts()[0]!.drop();
    await eventually(() => most.resetCode !== undefined, 'the first is reset');
    assert.deepEqual([most.resetCode, some.resetCode], [HTTP2_ERROR.ENHANCE_YOUR_CALM, undefined]);
    assert.deepEqual([parts().length, server.heldBytes()], [1, 30_000]);
    client.goOn();
    await eventually(() => some.ended, 'the second comes to its end');
    assert.equal(some.body.length, 50_000);
    assert.equal(proxy.servers.size, 1);
  } finally {
    client.close();
    proxy.close();
    app.close();
  }
});

test('a request body that its server does not take is broken off by itself, and is not sent again', async () => {
  const resets: number[] = [];
  const app = await application((stream, path) => {
    if (path === '/mute') stream.pause().once('close', () => resets.push(stream.rstCode));
    else stream.respond({ ':status': 204 }, { endStream: true });
  });
  const socket = net.connect({ port: app.port, host: '127.0.0.1', noDelay: true });
  await new Promise((resolve) => socket.once('connect', resolve));
  const client = new Http2Client(socket, {
    host: { available: nothing, retired: nothing, closed: nothing, mayReplace: () => false, streamsGuess: 10, size: 1 },
    clock: systemClock,
    shared: createHttpShared(systemClock),
    scope: new Counted(),
    settings: SETTINGS,
  });
  try {
    const told: string[] = [];
    const body = Buffer.alloc(200_000);
    client.open(exchange(told, requestOf({ version: 20, method: 'POST', path: '/mute' }), body));
    await eventually(() => client.heldParts(1).length === 1 && client.heldParts(1)[0]!.bytes < 150_000, 'some went');
    client.heldParts(1)[0]!.drop();
    assert.deepEqual(told, ['lost load-shed never']);
    assert.equal(client.heldParts(1).length, 0);
    await eventually(() => resets.length === 1, 'the server is told');
    client.open(exchange(told, requestOf({ version: 20, path: '/' }), undefined));
    await eventually(() => told.includes('204'), 'the connection goes on');
  } finally {
    client.destroy();
    app.close();
  }
});

function nothing(): void {
  // Nobody else uses the connection.
}

/** Sends a request at once and writes down what becomes of it. */
function exchange(told: string[], head: ReturnType<typeof requestOf>, body: Buffer | undefined) {
  const sink: ResponseSink & UpstreamSink = {
    attach(sender: Sender) {
      sender.head(head, body === undefined);
      if (body) sender.data(body, 0, body.length);
      return true;
    },
    unavailable: nothing,
    informational: nothing,
    response: ({ status }) => told.push(String(status)),
    responseData: nothing,
    responseEnd: nothing,
    lost: (fault: Fault, again) => told.push(`lost ${fault.code} ${again}`),
    upstreamStuck: nothing,
    upstreamDrained: nothing,
  };
  return sink;
}
