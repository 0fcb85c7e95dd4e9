import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HTTP2_ERROR } from '#wire/http2';
import { eventually, H2Peer, type SeenStream, serveH2 } from '../testing/index.ts';
import { hop } from './h2-hop.fake.ts';

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
