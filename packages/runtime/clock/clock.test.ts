import assert from 'node:assert/strict';
import net, { type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { afterHearing, type Clock, FakeClock, systemClock } from './index.ts';

/** What every clock promises; `pass` lets at least that much time go by. */
function contract(name: string, clock: Clock, pass: (byMs: number) => void | Promise<void>): void {
  test(`${name}: timers fire once, in order, and not after cancel`, async () => {
    const fired: string[] = [];
    const startMs = clock.nowMs();
    clock.after(6, () => fired.push('second'));
    clock.after(1, () => fired.push('first'));
    clock.after(3, () => fired.push('never')).cancel();
    await pass(30);
    assert.deepEqual(fired, ['first', 'second']);
    assert.ok(clock.nowMs() - startMs >= 6);
    assert.ok(clock.wallMs() > 1_600_000_000_000);
  });
}

contract('system clock', systemClock, (byMs) => new Promise((resolve) => setTimeout(resolve, byMs)));
const fake = new FakeClock();
contract('fake clock', fake, (byMs) => fake.advance(byMs));

test('a bound on a peer does not strike before what has come is heard', async () => {
  const server = net.createServer((socket) => socket.end('in time'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const socket = net.connect((server.address() as AddressInfo).port, '127.0.0.1');
  const heard: string[] = [];
  await new Promise((resolve) => socket.once('connect', resolve));
  const timer = afterHearing(systemClock, 5, () => heard.push('too late'));
  socket.once('data', () => {
    heard.push('data');
    timer.cancel();
  });
  // A turn that takes longer than the peer may.
  const untilMs = performance.now() + 30;
  while (performance.now() < untilMs);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual(heard, ['data']);
  socket.destroy();
  server.close();
});

test('a bound on a peer that stays silent strikes once', () => {
  const clock = new FakeClock();
  let struck = 0;
  afterHearing(clock, 5, () => struck++);
  clock.advance(4);
  assert.equal(struck, 0);
  clock.advance(1);
  assert.equal(struck, 1);
  afterHearing(clock, 5, () => struck++).cancel();
  clock.advance(10);
  assert.deepEqual([struck, clock.pending], [1, 0]);
});
