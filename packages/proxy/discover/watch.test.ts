import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '#runtime/clock';
import { seededRandom } from '#runtime/random';
import { Cidr, keepWatching, parseIp, type StreamSink, type WatchConfig } from './index.ts';

function setUp(config: Partial<WatchConfig> = {}) {
  const clock = new FakeClock();
  const streams: { sink: StreamSink<string>; cancelled: boolean }[] = [];
  const seen: string[] = [];
  const stop = keepWatching<string>(
    (sink) => {
      const stream = { sink, cancelled: false };
      streams.push(stream);
      return () => {
        stream.cancelled = true;
      };
    },
    { backoff: { minMs: 100, maxMs: 1000, jitter: 0 }, terminal: ['INVALID_ARGUMENT'], ...config },
    {
      value: (value, first) => seen.push(`${first ? 'first ' : ''}${value}`),
      refused: (error) => seen.push(`refused ${error.code}`),
      lost: (error) => seen.push(`lost ${error?.code ?? 'OK'}`),
    },
    { clock, random: seededRandom(1) },
  );
  return { clock, streams, seen, stop };
}

test('a lost stream is opened again with growing waits, which a message resets', () => {
  const { clock, streams, seen } = setUp();
  streams[0]!.sink.ended({ code: 'UNAVAILABLE', message: '' });
  clock.advance(99);
  assert.equal(streams.length, 1);
  clock.advance(1);
  streams[1]!.sink.ended(undefined);
  clock.advance(199);
  assert.equal(streams.length, 2);
  clock.advance(1);
  streams[2]!.sink.message('a');
  streams[2]!.sink.message('b');
  streams[2]!.sink.ended(undefined);
  clock.advance(100);
  assert.equal(streams.length, 4);
  assert.deepEqual(seen, ['lost UNAVAILABLE', 'lost OK', 'first a', 'b', 'lost OK']);
});

test('a terminal code ends the watch', () => {
  const { clock, streams, seen } = setUp();
  streams[0]!.sink.ended({ code: 'INVALID_ARGUMENT', message: '' });
  clock.advance(100_000);
  assert.equal(streams.length, 1);
  assert.deepEqual(seen, ['refused INVALID_ARGUMENT']);
});

test('a silent stream is given up and an old or idle one renewed, and its late words are ignored', () => {
  const { clock, streams, seen } = setUp({ initialTimeoutMs: 3_000, idleTimeoutMs: 5_000, lifetimeMs: 60_000 });
  clock.advance(3_100);
  assert.equal(streams.length, 2);
  assert.equal(streams[0]!.cancelled, true);
  streams[0]!.sink.message('late');
  streams[1]!.sink.message('a');
  clock.advance(5_000);
  assert.equal(streams.length, 3);
  assert.deepEqual(seen, ['lost DEADLINE_EXCEEDED', 'first a']);
  for (let i = 0; i < 20; i++) {
    streams.at(-1)!.sink.message('x');
    clock.advance(4_000);
  }
  assert.equal(streams.length, 4);
});

test('after stop nothing is opened and timers are gone', () => {
  const { clock, streams, stop } = setUp({ lifetimeMs: 1_000, initialTimeoutMs: 10 });
  stop();
  clock.advance(10_000);
  assert.equal(streams.length, 1);
  assert.equal(streams[0]!.cancelled, true);
  assert.equal(clock.pending, 0);
});

test('networks hold their addresses, in either notation', () => {
  const contains = (net: string, ip: string): boolean => {
    const [address = '', prefix] = net.split('/');
    return Cidr.of({ ip: address, prefix: Number(prefix) })!.contains(parseIp(ip)!);
  };
  assert.equal(contains('10.0.0.0/8', '10.200.3.4'), true);
  assert.equal(contains('10.0.0.0/8', '11.0.0.0'), false);
  assert.equal(contains('10.0.0.0/8', '::ffff:10.1.1.1'), true);
  assert.equal(contains('100.64.0.0/10', '100.127.255.255'), true);
  assert.equal(contains('100.64.0.0/10', '100.128.0.0'), false);
  assert.equal(contains('0.0.0.0/0', '8.8.8.8'), true);
  assert.equal(contains('0.0.0.0/0', 'fd00::1'), false);
  assert.equal(contains('fd00::/8', 'fdab::1'), true);
  assert.equal(contains('::/0', '10.0.0.1'), false);
  assert.equal(contains('::1/128', '::1'), true);
});
