import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { FakeClock } from '#runtime/clock';
import { HTTP2_ERROR, type Http2Stream } from '#wire/http2';
import { LIMITS } from '../limits.ts';
import { eventually, H2Peer, type SeenStream, serveH2 } from '../testing/index.ts';
import { Abandoned } from './h2-abandoned.ts';
import { Http2Connections } from './h2-connections.ts';
import { Counted, hop, SETTINGS } from './h2-hop.fake.ts';
import { createHttpShared } from './shared.ts';

/** Only what is looked at: whether it was reset, is over, and what waits. */
class GivenUp implements Http2Stream<unknown> {
  readonly id = 1;
  owner = undefined;
  queuedBytes = 0;
  isFull = false;
  isOver = false;
  code: number | undefined;
  respond = nothing;
  trailers = nothing;
  consume = nothing;
  data(): boolean {
    return true;
  }
  reset(code: number): void {
    this.code = code;
    this.isOver = true;
  }
}

function nothing(): void {
  // Streams that nobody waits for are only reset.
}

const BURST = LIMITS.http2ResetsBurst;
const resetsOf = (streams: readonly GivenUp[]) => streams.filter(({ code }) => code === HTTP2_ERROR.CANCEL).length;

function giveUp(max: number, count: number, tooMany: (beyond: number) => boolean = () => false) {
  const clock = new FakeClock();
  const abandoned = new Abandoned({ clock, max, tooMany });
  const streams = Array.from({ length: count }, () => new GivenUp());
  for (const stream of streams) abandoned.add(stream, false, true);
  return { clock, abandoned, streams };
}

test('so many resets go out at once, then one by one in order', () => {
  const { clock, streams } = giveUp(100, BURST + 5);
  assert.equal(resetsOf(streams), BURST);
  clock.advance(LIMITS.http2ResetEveryMs);
  assert.equal(streams[BURST]?.code, HTTP2_ERROR.CANCEL);
  assert.equal(resetsOf(streams), BURST + 1);
  for (let i = 0; i < 30; i++) clock.advance(LIMITS.http2ResetEveryMs);
  assert.equal(resetsOf(streams), BURST + 5);
});

test('what ends before its turn comes is not reset, a long response is', () => {
  const { clock, abandoned, streams } = giveUp(100, BURST + 2);
  const [short, long] = streams.slice(BURST);
  assert.ok(short && long);
  abandoned.received(long, LIMITS.discardBytesMax);
  assert.equal(long.code, undefined);
  abandoned.received(long, 1);
  assert.equal(long.code, HTTP2_ERROR.CANCEL);
  short.isOver = true;
  abandoned.received(short, 10);
  for (let i = 0; i < 30; i++) clock.advance(LIMITS.http2ResetEveryMs);
  assert.equal(short.code, undefined);
  assert.equal(abandoned.size, 0);
});

test('a response under way and a request that waits to be sent are reset at once', () => {
  const { abandoned } = giveUp(100, BURST);
  const begun = new GivenUp();
  abandoned.add(begun, true, true);
  const waiting = new GivenUp();
  waiting.queuedBytes = 1;
  abandoned.add(waiting, false, true);
  assert.equal(resetsOf([begun, waiting]), 2);
});

test('a request that is not whole, which only its reset ends, has its turn before those that may end by themselves', () => {
  const { clock, abandoned, streams } = giveUp(100, BURST + 12);
  const cut = new GivenUp();
  abandoned.add(cut, false, false);
  clock.advance(LIMITS.http2ResetEveryMs);
  assert.equal(cut.code, HTTP2_ERROR.CANCEL);
  assert.equal(resetsOf(streams), BURST);
  clock.advance(LIMITS.http2ResetEveryMs);
  assert.equal(streams[BURST]?.code, HTTP2_ERROR.CANCEL);
});

test('past the bound the oldest is reset, unless the connection is replaced', () => {
  const { streams } = giveUp(3, BURST + 4);
  assert.deepEqual([resetsOf(streams), streams[BURST]?.code], [BURST + 1, HTTP2_ERROR.CANCEL]);
  const replaced = giveUp(3, BURST + 4, () => true);
  assert.equal(resetsOf(replaced.streams), BURST);
  replaced.abandoned.resetAll();
  assert.equal(resetsOf(replaced.streams), BURST + 4);
});

test('what goes out beyond the rate is counted, since it does not count against the rate', () => {
  const told: number[] = [];
  const { streams } = giveUp(3, BURST + 3 + 4, (beyond) => {
    told.push(beyond);
    return beyond === 3;
  });
  assert.deepEqual(told, [0, 1, 2, 3]);
  assert.equal(resetsOf(streams), BURST + 3);
});

test('a connection is replaced now and then, and at once when many resets went out beyond the rate', () => {
  const clock = new FakeClock();
  const connections = new Http2Connections({
    dial: () => nothing,
    scope: new Counted(),
    clock,
    shared: createHttpShared(clock),
    settings: SETTINGS,
    failed: nothing,
  });
  const most = LIMITS.http2ResetsBeyondMax;
  assert.deepEqual(
    [0, 0, most - 1, most, most - 1].map((beyond) => connections.mayReplace(beyond)),
    [true, false, false, true, false],
  );
  clock.advance(LIMITS.http2ReplaceEveryMs);
  assert.equal(connections.mayReplace(0), true);
});

/** Thousands of requests take a second of the processor, of which a busy machine has little. */
const SLOW = { timeout: 60_000 };
const WITHIN_MS = 20_000;

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** A server that answers all but `/mute`, a proxy before it, and clients. */
async function world() {
  const app = await serveH2((seen: SeenStream) => {
    if (seen.request?.path !== '/mute') seen.stream.respond(200, [], true);
  });
  const proxy = await hop(app.port);
  closers.push(
    () => proxy.close(),
    () => app.close(),
  );
  const connect = async () => {
    const client = await H2Peer.connect(proxy.port);
    closers.push(() => client.close());
    return client;
  };
  return { app, proxy, connect };
}

test('clients that reset all the time do not make the server end the connection of others', SLOW, async () => {
  const { app, connect } = await world();
  const honest = await connect();
  const answered: SeenStream[] = [];
  for (let clients = 0; clients < 3; clients++) {
    const attacker = await connect();
    for (let round = 0; round < 16; round++) {
      const asked = Array.from({ length: 50 }, () => attacker.request({ ':path': '/mute' }));
      const one = honest.request();
      answered.push(one);
      // Apart from the requests, so that these are on their way when they are reset.
      await sleep(10);
      for (const { stream } of asked) stream.reset(HTTP2_ERROR.CANCEL);
      await eventually(() => one.response?.status === 200, 'the honest request is answered', WITHIN_MS);
    }
  }
  assert.equal(answered.length, 48);
  for (const peer of app.peers) {
    const resets = peer.streams.filter(({ resetCode }) => resetCode !== undefined).length;
    assert.ok(resets < 2_000, `the server saw ${resets} resets on one connection`);
  }
  assert.ok(app.peers.length >= 2, 'and there were so many that one connection did not do');
});

test('requests that are reset before they could be looked at never reach the server', async () => {
  const { app, proxy, connect } = await world();
  const client = await connect();
  const first = client.request();
  await eventually(() => first.response?.status === 200, 'there is a connection to the server');
  for (let i = 0; i < 100; i++) client.request().stream.reset(HTTP2_ERROR.CANCEL);
  const last = client.request();
  await eventually(() => last.response?.status === 200, 'the last one is answered');
  assert.deepEqual(
    app.peers.map(({ streams }) => streams.length),
    [2],
  );
  assert.deepEqual(proxy.refused, []);
});

test('a client that resets too much takes nobody with it: what others have open behind the same proxy is answered', async () => {
  const { app, proxy, connect } = await world();
  const client = await connect();
  const open = client.request({ ':path': '/mute' });
  await eventually(() => app.peers[0]?.streams.length === 1, 'the honest request is under way');
  for (let i = 0; i < 2_100 && !client.goaway; i++) {
    client.request({ ':path': '/mute' }).stream.reset(HTTP2_ERROR.CANCEL);
    if (i % 50 === 0) await sleep(0);
  }
  await eventually(() => client.goaway !== undefined, 'the client is told');
  assert.equal(client.goaway?.code, HTTP2_ERROR.ENHANCE_YOUR_CALM);
  assert.equal(proxy.refused.length, 1);
  app.peers[0]?.streams[0]?.stream.respond(200, [], true);
  await eventually(() => open.response?.status === 200, 'the honest request is answered');
  await eventually(() => client.closed, 'the connection ends behind it');
});

test(
  'behind two proxies no request fails for the resets of others, though it may not be sent twice',
  SLOW,
  async () => {
    const { app, proxy: inner } = await world();
    const outer = await hop(inner.port);
    closers.push(() => outer.close());
    const clients = await Promise.all(Array.from({ length: 4 }, () => H2Peer.connect(outer.port)));
    closers.push(...clients.map((client) => () => client.close()));
    const [honest, ...attackers] = clients;
    assert.ok(honest);
    const statuses = new Set<number | undefined>();
    for (let round = 0; round < 16; round++) {
      const asked = attackers.flatMap((attacker) =>
        Array.from({ length: 50 }, () => attacker.request({ ':path': '/mute' })),
      );
      const one = honest.request({ ':method': 'POST' }, 'x');
      await sleep(10);
      for (const { stream } of asked) stream.reset(HTTP2_ERROR.CANCEL);
      const two = honest.request({ ':method': 'POST' }, 'x');
      for (const each of [one, two]) {
        await eventually(() => each.ended || each.resetCode !== undefined, 'the honest request is over', WITHIN_MS);
        statuses.add(each.response?.status);
      }
    }
    assert.deepEqual([...statuses], [200]);
    assert.deepEqual(inner.refused, []);
    assert.ok(app.peers.every(({ goaway }) => goaway === undefined || goaway.code === HTTP2_ERROR.NO_ERROR));
  },
);
