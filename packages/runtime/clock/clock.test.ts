import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Clock, FakeClock, systemClock } from './index.ts';

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
