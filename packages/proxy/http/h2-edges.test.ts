import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { eventually, H2Peer, type SeenStream, serve, serveH2 } from '../testing/index.ts';
import { hop as openHop, SETTINGS } from './h2-hop.fake.ts';

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
