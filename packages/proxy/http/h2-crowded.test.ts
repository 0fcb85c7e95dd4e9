import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fault } from '#model/faults';
import { systemClock } from '#runtime/clock';
import { HTTP2_ERROR } from '#wire/http2';
import { dial } from '../dial/index.ts';
import { LIMITS } from '../limits.ts';
import { eventually, H2Peer, type SeenStream, serveH2 } from '../testing/index.ts';
import type { ResponseSink, Sender, UpstreamSink } from './contract.ts';
import { requestOf } from './exchange.fake.ts';
import type { Exchange } from './exchange.ts';
import { Http2Connections } from './h2-connections.ts';
import { Counted, hop, SETTINGS } from './h2-hop.fake.ts';
import { createHttpShared } from './shared.ts';

test('where a server refuses a stream, further ones go to another connection until one of those open has ended', async () => {
  // One request a connection at a time; those for /wait are answered when the test says.
  const waiting = new Map<H2Peer, SeenStream>();
  const app = await serveH2((seen, peer) => {
    if (waiting.has(peer)) seen.stream.reset(HTTP2_ERROR.REFUSED_STREAM);
    else if (seen.request?.path === '/wait') waiting.set(peer, seen);
    else seen.stream.respond(200, [], true);
  });
  const proxy = await hop(app.port);
  const client = await H2Peer.connect(proxy.port);
  try {
    const slow = client.request({ ':path': '/wait' });
    await eventually(() => waiting.size === 1, 'the server waits');
    for (let i = 0; i < 3; i++) {
      const other = client.request();
      await eventually(() => other.response?.status === 200, 'all others are answered');
    }
    assert.equal(app.peers.length, 2);
    const [[first, held] = assert.fail()] = waiting;
    waiting.clear();
    held.stream.respond(200, [], true);
    await eventually(() => slow.response?.status === 200, 'the first is answered');
    const last = client.request();
    await eventually(() => last.response?.status === 200, 'and one more');
    // The oldest connection with room is taken again: the first request, the one that it refused, and the last.
    assert.equal(first.streams.length, 3);
  } finally {
    client.close();
    proxy.close();
    app.close();
  }
});

/** A request for a path, asked again where the server did not take it. */
function asking(path: string, connections: () => Http2Connections) {
  const asked = { status: 0, sender: undefined as Sender | undefined };
  const sink: Partial<ResponseSink & UpstreamSink> = {
    attach: (sender) => {
      asked.sender = sender;
      sender.head(requestOf({ version: 20, scheme: 'http', path }), true);
      return true;
    },
    response: (head) => {
      asked.status = head.status;
      asked.sender?.release();
    },
    lost: () => connections().acquire(sink as Exchange),
  };
  connections().acquire(sink as Exchange);
  return asked;
}

test('who waits because a server refused it goes on when a stream has ended that nobody waits for any more', async () => {
  const open = new Set<SeenStream>();
  const app = await serveH2((seen) => {
    if (seen.request?.path === '/wait') open.add(seen);
    else if ([...open].every(({ resetCode }) => resetCode !== undefined)) seen.stream.respond(200, [], true);
    else seen.stream.reset(HTTP2_ERROR.REFUSED_STREAM);
  });
  let dials = 0;
  const connections: Http2Connections = new Http2Connections({
    // There is no second connection.
    dial: (sink) => {
      if (dials++ === 0)
        return dial(
          { host: '127.0.0.1', port: app.port, timeoutMs: 15_000, options: {} },
          { clock: systemClock },
          sink,
        );
      setImmediate(() => sink.failed(new Fault('connect-refused')));
      return () => undefined;
    },
    scope: new Counted(),
    clock: systemClock,
    shared: createHttpShared(systemClock),
    settings: SETTINGS,
    failed: () => undefined,
  });
  try {
    // More than may be reset at once: the reset of the last one waits for its turn.
    const count = LIMITS.http2ResetsBurst + 1;
    const waiting = Array.from({ length: count }, () => asking('/wait', () => connections));
    await eventually(() => open.size === count, 'all are at the server');
    for (const { sender } of waiting) sender?.cancel();
    const other = asking('/', () => connections);
    await eventually(() => other.status === 200, 'the other is answered', 3_000);
  } finally {
    connections.close();
    app.close();
  }
});
