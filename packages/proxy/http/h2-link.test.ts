import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '#runtime/clock';
import { LIMITS } from '../limits.ts';
import { Counted } from './h2-hop.fake.ts';
import { type Http2KeepAlive, Http2Link } from './h2-link.ts';
import { FakeSocket } from './socket.fake.ts';

/** An HTTP/2 connection as its link sees it: what it has to say is given, what it is told is written down. */
class Script {
  readonly said: string[] = [];
  readonly output: string[] = [];
  openStreams = 0;
  queuedBytes = 0;

  get outputBytes(): number {
    return this.output.reduce((sum, { length }) => sum + length, 0);
  }
  receive(bytes: Buffer): void {
    this.said.push(`receive ${bytes.toString('latin1')}`);
  }
  takeOutput(): Buffer | undefined {
    const first = this.output.shift();
    return first === undefined ? undefined : Buffer.from(first, 'latin1');
  }
  outputSent(): void {
    // Its output is text.
  }
  hold(held: boolean): void {
    this.said.push(held ? 'hold' : 'go on');
  }
  goaway(code: number, graceful: boolean): void {
    this.said.push(`goaway ${code}${graceful ? ' graceful' : ''}`);
  }
  ping(opaque: number): void {
    this.said.push(`ping ${opaque}`);
  }
}

function linked(socket = new FakeSocket(), keepAlive?: Http2KeepAlive) {
  const connection = new Script();
  const clock = new FakeClock();
  const flushes: (() => void)[] = [];
  const link = new Http2Link(socket.conn, connection, {
    scope: new Counted(),
    clock,
    flusher: { soon: (target) => flushes.push(() => target.flush()) },
    keepAlive,
    silent: () => connection.said.push('silent'),
    gone: () => connection.said.push('gone'),
  });
  link.start(undefined);
  for (const flush of flushes.splice(0)) flush();
  return { socket, connection, clock, link };
}

test('a connection that leaves ends when its last octet is with the socket, however slowly the peer reads', () => {
  const { socket, connection, link } = linked();
  connection.output.push('one', 'two', 'three');
  socket.room = false;
  link.leave();
  link.pong(2);
  link.output();
  link.flush();
  assert.deepEqual(socket.writes, ['one']);
  socket.receive('an answer');
  socket.emit('drain');
  assert.equal(socket.state, 'open');
  socket.drain();
  assert.deepEqual(socket.writes, ['one', 'two', 'three']);
  assert.equal(socket.state, 'ended');
});

test('a peer that is too slow to answer learns before the end which of its streams were taken', () => {
  const { connection, clock, link, socket } = linked();
  link.leave();
  clock.advance(LIMITS.lingerMs);
  assert.deepEqual(connection.said, ['goaway 0 graceful', 'ping 2', 'goaway 0']);
  link.flush();
  assert.equal(socket.state, 'ended');
});

test('a peer that had said its end before the connection was taken over is gone', async () => {
  const socket = new FakeSocket();
  socket.receiveEnd();
  const { connection } = linked(socket);
  await Promise.resolve();
  assert.deepEqual(connection.said, ['gone']);
});

test('what streams write because output was taken stands behind what was taken, and so does the end', () => {
  const { socket, connection, link } = linked();
  const much = 'b'.repeat(LIMITS.gatheredBytesMax);
  const take = connection.takeOutput.bind(connection);
  connection.takeOutput = () => {
    const taken = take();
    if (taken?.toString('latin1') === 'a') {
      connection.output.push(much);
      link.wrote();
      link.finish();
    }
    return taken;
  };
  connection.output.push('a');
  link.flush();
  const written = socket.take();
  assert.deepEqual([written.slice(0, 2), written.length, socket.state], ['ab', 1 + much.length, 'ended']);
});

test('a peer that owes answers is pinged sooner, and less and less often while it answers nothing but pings', () => {
  const keepAlive = { intervalMs: 10_000, timeoutMs: 3_000, whileIdle: true, awaitingMs: 2_000 };
  const { socket, connection, clock, link } = linked(new FakeSocket(), keepAlive);
  const startMs = clock.nowMs();
  const pings: number[] = [];
  const ping = connection.ping.bind(connection);
  connection.ping = (opaque) => {
    pings.push(clock.nowMs() - startMs);
    ping(opaque);
  };
  const pong = () => {
    socket.receive('a ping of 17 byte');
    link.pong(1);
  };
  connection.openStreams = 1;
  for (let second = 0; second < 40; second++) {
    const before = pings.length;
    clock.advance(1_000);
    if (pings.length > before) pong();
  }
  assert.deepEqual(pings, [2_000, 6_000, 14_000, 24_000, 34_000]);
  socket.receive('an answer');
  clock.advance(2_000);
  assert.equal(pings.length, 6);
  clock.advance(2_999);
  assert.equal(connection.said.includes('silent'), false);
  clock.advance(1);
  assert.ok(connection.said.includes('silent'));
});

test('an idle peer is pinged at the interval only', () => {
  const keepAlive = { intervalMs: 10_000, timeoutMs: 3_000, whileIdle: true, awaitingMs: 2_000 };
  const { connection, clock } = linked(new FakeSocket(), keepAlive);
  connection.openStreams = 0;
  clock.advance(9_999);
  assert.deepEqual(connection.said, []);
  clock.advance(1);
  assert.deepEqual(connection.said, ['ping 1']);
});

test('a peer that answered in time is alive, though we were too busy to hear it', () => {
  const keepAlive = { intervalMs: 10_000, timeoutMs: 3_000, whileIdle: true };
  const { socket, connection, clock } = linked(new FakeSocket(), keepAlive);
  clock.advance(10_000);
  assert.deepEqual(connection.said, ['ping 1']);
  const after = clock.after.bind(clock);
  // The turn behind the timers: what had come by then is read.
  clock.after = (delayMs, callback) => {
    if (delayMs === 0) socket.receive('a ping of 17 byte');
    return after(delayMs, callback);
  };
  clock.advance(3_000);
  assert.equal(connection.said.includes('silent'), false);
  clock.advance(10_000);
  assert.deepEqual(
    connection.said.filter((said) => said === 'ping 1'),
    ['ping 1', 'ping 1'],
  );
});
