import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { PROXY_METRICS } from '#model/metrics';
import { FakeClock } from '#runtime/clock';
import { FakeLog } from '#runtime/log';
import { Registry } from '#runtime/metrics';
import { LIMITS } from '../limits.ts';
import { type Conn, tellHolder } from '../tcp/index.ts';
import { OpenSockets, processLimits } from './open-sockets.ts';

class FakeSocket extends EventEmitter {
  destroyed = false;
  writableLength = 0;
  readableLength = 0;

  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.emit('close');
  }
}

function setUp(bufferedBytesMax = 1_000, stalledBytesMax = bufferedBytesMax) {
  const clock = new FakeClock();
  const log = new FakeLog();
  const metrics = new Registry(PROXY_METRICS, { seriesMax: 100, retainMs: 1 }, () => clock.nowMs());
  const sockets = new OpenSockets(
    { acceptedMax: 2, acceptedTogetherMax: 3, stalledBytesMax, bufferedBytesMax },
    { clock, log: log.log, metrics },
  );
  const accept = (direction: 'inbound' | 'outbound' = 'inbound') => {
    const socket = new FakeSocket();
    return { socket, admitted: sockets.admit(socket as unknown as Conn, direction) };
  };
  return { clock, log, metrics, sockets, accept };
}

test('connections past the limit of their direction are closed, counted and logged; a closed one makes room', () => {
  const { accept, metrics, log } = setUp();
  const first = accept();
  assert.deepEqual([first.admitted, accept().admitted, accept('outbound').admitted], [true, true, true]);
  assert.equal(accept('outbound').admitted, false, 'both directions together have a bound too');
  const late = accept();
  assert.deepEqual([late.admitted, late.socket.destroyed], [false, true]);
  assert.match(metrics.render(), /accepted_connections_refused_total\{direction="inbound",reason="connections"\} 1/);
  assert.ok(log.lines.some((line) => /Connection refused: the proxy is at a limit/.test(line)));
  first.socket.destroy();
  assert.equal(accept().admitted, true);
});

test('bytes count that the owner of a connection keeps for it', () => {
  const { clock, sockets } = setUp(1_000_000);
  const socket = new FakeSocket();
  sockets.track(socket as unknown as Conn);
  socket.writableLength = 5;
  tellHolder(socket as unknown as Conn, { heldBytes: () => 70 });
  clock.advance(1_000);
  assert.equal(sockets.bufferedBytes(), 75);
});

test('when too many bytes wait, those that hold most go, and newcomers are served', () => {
  const { clock, log, metrics, sockets, accept } = setUp(1_000_000);
  const made = [400_000, 300_000, 200_000, 150_000, 1_000].map((bytes) => {
    const socket = new FakeSocket();
    sockets.track(socket as unknown as Conn);
    socket.writableLength = bytes;
    return socket;
  });
  clock.advance(1_000);
  assert.deepEqual(
    made.map(({ destroyed }) => destroyed),
    [true, false, false, false, false],
  );
  assert.equal(accept().admitted, true);
  assert.match(metrics.render(), /\nconnections_shed_total 1\n/);
  assert.ok(log.lines.some((line) => /they held most/.test(line)));
});

test('what is kept for another try goes before single streams, and nothing else if that was enough', () => {
  const { clock, metrics, sockets } = setUp(1_000_000);
  let keptBytes = 100_000;
  const streams = [500_000, 300_000, 200_000];
  const socket = new FakeSocket();
  sockets.track(socket as unknown as Conn);
  tellHolder(socket as unknown as Conn, {
    heldBytes: () => keptBytes + streams.reduce((sum, bytes) => sum + bytes, 0),
    forgetKept: () => {
      const forgotten = keptBytes;
      keptBytes = 0;
      return forgotten;
    },
    heldParts: () =>
      streams.map((bytes, at) => ({
        of: streams,
        bytes,
        unsentBytes: bytes,
        progress: () => bytes,
        drop: () => {
          streams[at] = 0;
        },
      })),
  });
  clock.advance(1_000);
  assert.deepEqual([keptBytes, streams, socket.destroyed], [0, [0, 300_000, 200_000], false]);
  assert.match(metrics.render(), /\nconnections_shed_total 1\n/);
});

test('the more waits, the sooner those who stand still go', () => {
  const { clock, sockets } = setUp(1_000_000, 500_000);
  const made = [400_000, 350_000].map((bytes) => {
    const socket = new FakeSocket();
    sockets.track(socket as unknown as Conn);
    socket.writableLength = bytes;
    return socket;
  });
  clock.advance(4_000);
  assert.equal(made[0]!.destroyed, false);
  clock.advance(4_000);
  assert.deepEqual(
    made.map(({ destroyed }) => destroyed),
    [true, false],
  );
});

test('who waits for an answer stands still, but holds nothing that its peer could take', () => {
  const { clock, sockets } = setUp(1_000_000, 500_000);
  const socket = new FakeSocket();
  sockets.track(socket as unknown as Conn);
  tellHolder(socket as unknown as Conn, { heldBytes: () => 600_000 });
  clock.advance(50_000);
  assert.equal(socket.destroyed, false);
});

test('forgetting what is kept for another try may be enough', () => {
  const { clock, log, sockets } = setUp(1_000_000);
  let keptBytes = 400_000;
  const socket = new FakeSocket();
  socket.writableLength = 700_000;
  sockets.track(socket as unknown as Conn);
  tellHolder(socket as unknown as Conn, {
    heldBytes: () => keptBytes,
    forgetKept: () => {
      const forgotten = keptBytes;
      keptBytes = 0;
      return forgotten;
    },
  });
  clock.advance(1_000);
  assert.deepEqual([keptBytes, socket.destroyed, log.lines.length], [0, false, 0]);
});

test('a shared connection goes as a whole when its streams are not what waits', () => {
  const { clock, sockets } = setUp(1_000_000);
  const socket = new FakeSocket();
  socket.writableLength = 1_200_000;
  sockets.track(socket as unknown as Conn);
  tellHolder(socket as unknown as Conn, { heldBytes: () => 0, heldParts: () => [] });
  clock.advance(1_000);
  assert.equal(socket.destroyed, true);
});

test('past the lower limit those go that take nothing or a trickle, not those that are busy', () => {
  const { clock, sockets } = setUp(2_000_000, 500_000);
  const [still, trickling, busy] = [300_000, 200_000, 400_000].map((bytes) => {
    const socket = new FakeSocket();
    sockets.track(socket as unknown as Conn);
    socket.writableLength = bytes;
    return socket;
  });
  for (let i = 0; i < 3; i++) {
    assert.deepEqual([still!.destroyed, trickling!.destroyed], [false, false]);
    trickling!.writableLength -= 1_000;
    busy!.writableLength += i % 2 === 0 ? -100_000 : 100_000;
    clock.advance(2_000);
  }
  clock.advance(3_000);
  assert.deepEqual([still!.destroyed, trickling!.destroyed, busy!.destroyed], [true, true, false]);
});

test('counting stops with the last connection', () => {
  const { clock, sockets } = setUp();
  const socket = new FakeSocket();
  sockets.track(socket as unknown as Conn);
  assert.equal(clock.pending, 1);
  socket.destroy();
  clock.advance(1_000);
  assert.equal(clock.pending, 0);
});

test('while too many bytes wait in connections that hold little each, no new connection is taken, and open ones are left alone', () => {
  const { accept, clock, metrics, sockets } = setUp();
  const { socket } = accept();
  sockets.track(socket as unknown as Conn);
  socket.writableLength = 900;
  socket.readableLength = 100;
  clock.advance(1_000);
  assert.deepEqual([accept('outbound').admitted, socket.destroyed], [false, false]);
  assert.match(metrics.render(), /\nbuffered_bytes 1000\n/);
  socket.writableLength = 0;
  clock.advance(1_000);
  assert.equal(accept('outbound').admitted, true);
  socket.destroy();
  assert.match(metrics.render(), /\nbuffered_bytes 0\n/);
});

test('who may open few files accepts few connections, so that each of them can lead on', () => {
  assert.equal(processLimits(1_064, 0).acceptedTogetherMax, 500);
  assert.equal(processLimits(10, 0).acceptedTogetherMax, 1);
  assert.equal(processLimits(0, 0).acceptedTogetherMax, 2 * LIMITS.acceptedConnectionsMax);
});

test('a quarter of the memory may wait, within bounds, and half of that before those who stand still go', () => {
  const bytes = (memory: number) => {
    const { bufferedBytesMax, stalledBytesMax } = processLimits(0, memory);
    return [bufferedBytesMax, stalledBytesMax];
  };
  const MB = 1024 * 1024;
  assert.deepEqual(bytes(0), [128 * MB, 64 * MB]);
  assert.deepEqual(bytes(256 * MB), [64 * MB, 32 * MB]);
  assert.deepEqual(bytes(8 * MB), [16 * MB, 8 * MB]);
  assert.deepEqual(bytes(16 * 1024 * MB), [512 * MB, 256 * MB]);
});
