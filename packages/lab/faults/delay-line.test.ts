import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type DelayedPair, DelayLine } from './delay-line.ts';
import { LIMITS } from './limits.ts';

const WEST = ['10.42.0.0/16', '172.30.0.0/24'];
const EAST = ['10.43.0.0/16', '172.30.1.0/24'];
const pair = (ms: number, jitterMs = 0): DelayedPair => ({ between: [WEST, EAST], ms, jitterMs });
const steady = (): number => 0.5;

/** An IPv4 header with a tag behind it. */
function packet(from: string, to: string, tag = 0): Uint8Array {
  const bytes = new Uint8Array(21);
  bytes.set(from.split('.').map(Number), 12);
  bytes.set(to.split('.').map(Number), 16);
  bytes[20] = tag;
  return bytes;
}

function released(line: DelayLine, nowMs: number): number[] {
  const tags: number[] = [];
  line.release(nowMs, (sent) => tags.push(sent[20] ?? -1));
  return tags;
}

test('a packet comes out when its delay is over, not before', () => {
  const line = new DelayLine([pair(50)], steady);
  assert.ok(line.push(packet('10.42.1.2', '10.43.0.9', 7), 1000));
  assert.equal(line.nextDueMs(), 1050);
  assert.deepEqual(released(line, 1049), []);
  assert.deepEqual(released(line, 1050), [7]);
  assert.equal(line.nextDueMs(), undefined);
});

test('both directions are delayed, by any address of a cluster', () => {
  const line = new DelayLine([pair(50)], steady);
  assert.ok(line.push(packet('172.30.1.3', '10.42.0.2'), 0));
  assert.ok(line.push(packet('172.30.0.1', '172.30.1.1'), 0));
});

test('packets of no delayed pair, and what is no packet, are not held', () => {
  const line = new DelayLine([pair(50)], steady);
  assert.equal(line.push(packet('10.42.0.2', '10.42.0.3'), 0), false);
  assert.equal(line.push(packet('10.44.0.2', '10.43.0.3'), 0), false);
  assert.equal(line.push(new Uint8Array(19), 0), false);
});

test('what is pushed may be overwritten by the caller', () => {
  const line = new DelayLine([pair(50)], steady);
  const buffer = packet('10.42.0.2', '10.43.0.2', 1);
  line.push(buffer, 0);
  buffer[20] = 2;
  assert.deepEqual(released(line, 50), [1]);
});

test('with jitter the order of one direction stays, and no delay is beyond its bounds', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ gapMs: fc.nat(20), draw: fc.double({ min: 0, max: 0.999, noNaN: true }) }), {
        maxLength: 40,
      }),
      (steps) => {
        let draw = 0;
        const line = new DelayLine([pair(30, 10)], () => draw);
        let nowMs = 0;
        steps.forEach((step, tag) => {
          nowMs += step.gapMs;
          draw = step.draw;
          line.push(packet('10.42.0.2', '10.43.0.2', tag), nowMs);
          const dueMs = line.nextDueMs() ?? 0;
          assert.ok(dueMs <= nowMs + 40);
        });
        assert.deepEqual(
          released(line, nowMs + 40),
          steps.map((_, tag) => tag),
        );
      },
    ),
  );
});

test('a full direction loses packets instead of growing; the other goes on', () => {
  const line = new DelayLine([pair(50)], steady);
  for (let count = 0; count <= LIMITS.packetsWaitingMax; count++) line.push(packet('10.42.0.2', '10.43.0.2'), 0);
  line.push(packet('10.43.0.2', '10.42.0.2', 9), 0);
  const out = released(line, 50);
  assert.equal(out.length, LIMITS.packetsWaitingMax + 1);
  assert.equal(out.at(-1), 9);
});
