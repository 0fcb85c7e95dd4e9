import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { FakeClock } from '#runtime/clock';
import { eventually, H2Peer, type SeenStream, serve, serveH2 } from '../testing/index.ts';
import type { Sender } from './contract.ts';
import type { Exchange, Plan } from './exchange.ts';
import { Counted, hop as openHop, SETTINGS } from './h2-hop.fake.ts';
import { Http2Server } from './h2-server.ts';
import { STRIP } from './names.ts';
import { createHttpShared } from './shared.ts';
import { FakeSocket } from './socket.fake.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function hop(...args: Parameters<typeof openHop>): ReturnType<typeof openHop> {
  const made = await openHop(...args);
  closers.push(() => made.close());
  return made;
}

async function connect(port: number, options: Parameters<typeof H2Peer.connect>[1] = {}): Promise<H2Peer> {
  const peer = await H2Peer.connect(port, options);
  closers.push(() => peer.close());
  return peer;
}

const isOver = (seen: SeenStream): boolean => seen.ended || seen.resetCode !== undefined;

test('what was received of a request and never sent on is given back to the client, so that its connection stays of use', async () => {
  let breaks = true;
  // Opens no window beyond the first 64 KiB, then breaks.
  const app = await serve((socket) => {
    let bytes = 0;
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (breaks && bytes >= 65_535) setTimeout(() => socket.destroy(), 5);
    });
  });
  closers.push(() => app.close());
  const codec = { ...SETTINGS.codec, streamWindow: 262_144, connectionWindow: 400_000 };
  const proxy = await hop(app.port, { server: { ...SETTINGS, codec } });
  const client = await connect(proxy.port);
  for (let i = 0; i < 5; i++) {
    const seen = client.request({ ':method': 'POST' }, 'x'.repeat(250_000));
    await eventually(() => isOver(seen), 'the request fails');
    assert.equal(seen.response?.status, 502);
  }
  breaks = false;
  const last = client.request({ ':method': 'POST' }, 'x'.repeat(60_000));
  await eventually(() => last.stream.queuedBytes === 0, 'the next body is taken');
});

test('uploads that the server does not take stop no other of the same client', async () => {
  const app = await serveH2(
    (seen) => {
      if (seen.request?.path === '/stands') seen.stream.consume = nothing;
    },
    { streamWindow: 65_535 },
  );
  closers.push(() => app.close());
  const proxy = await hop(app.port);
  const client = await connect(proxy.port);
  // Twice the window of the connection: 64 KiB of each wait at the server, 64 KiB at the proxy.
  for (let i = 0; i < 32; i++) client.request({ ':method': 'POST', ':path': '/stands' }, 'x'.repeat(200_000));
  await eventually(() => proxy.side.inFlight === 32, 'all have begun');
  client.request({ ':method': 'POST', ':path': '/goes' }, 'x'.repeat(200_000));
  const taken = () => app.peers[0]?.streams.find(({ request }) => request?.path === '/goes');
  await eventually(() => taken()?.ended === true, 'the other one is taken');
  assert.equal(taken()?.body.length, 200_000);
});

/** A sender that only knows whether it is stopped. */
class StoppedSender implements Sender {
  readonly version = 11;
  readonly reused = false;
  isPaused = false;
  pause(): void {
    this.isPaused = true;
  }
  resume(): void {
    this.isPaused = false;
  }
  data(): boolean {
    return true;
  }
  head = nothing;
  end = nothing;
  release = nothing;
  cancel = nothing;
}

function nothing(): void {
  // Only pauses are looked at.
}

test('a response that fills the output and leaves it in one go does not wait for what has happened already', () => {
  const clock = new FakeClock();
  const socket = new FakeSocket();
  const sender = new StoppedSender();
  let exchange: Exchange | undefined;
  const plan: Plan = {
    timeouts: undefined,
    retry: undefined,
    allowsRequestHeaders: false,
    dispatch(asked) {
      asked.upstream = {
        acquire(one) {
          exchange = one;
          one.attach(sender);
        },
        cancel: nothing,
      };
      return undefined;
    },
  };
  new Http2Server(socket.conn, Buffer.alloc(0), {
    side: {
      shared: createHttpShared(clock),
      clock,
      random: () => 0,
      strip: { request: STRIP['outbound-request'], response: STRIP['outbound-response'] },
      observers: [],
      obeyPeerClose: false,
      inFlightMax: 10,
      inFlight: 0,
      failed: nothing,
    },
    router: { route: () => plan },
    client: {
      ip: '10.0.0.1',
      port: 1,
      dst: { ip: '10.0.0.2', port: 80 },
      identity: undefined,
      tls: { tls: 'no_identity', no_tls_reason: 'loopback' },
    },
    explain: true,
    scope: new Counted(),
    settings: SETTINGS,
    downgrades: false,
    refused: nothing,
    closed: nothing,
  });
  const wire = new FakeSocket();
  const peer = new H2Peer(wire.conn, 'client', { streamWindow: 4_000_000 });
  peer.request();
  socket.receive(wire.take() + peer.connection.takeOutput(1e6)?.toString('latin1'));
  assert.ok(exchange);
  exchange.response({ version: 11, status: 200, upgrade: '', fields: [], contentLength: -1 }, false);
  exchange.responseData(Buffer.alloc(400_000), 0, 400_000);
  assert.equal(sender.isPaused, false);
});
