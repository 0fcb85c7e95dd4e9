import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '../clock/index.ts';
import { Drain } from './index.ts';

test('resolves when the last item has gone', async () => {
  const drain = new Drain(new FakeClock());
  const asked: string[] = [];
  const item = { drain: () => asked.push('drain'), abort: () => asked.push('abort') };
  drain.add(item);
  const ended = drain.drain(1000);
  drain.remove(item);
  assert.equal(await ended, true);
  assert.deepEqual(asked, ['drain']);
});

test('cuts what is left after the grace period, and drains late comers at once', async () => {
  const clock = new FakeClock();
  const drain = new Drain(clock);
  const asked: string[] = [];
  const item = (name: string) => ({
    drain: () => asked.push(`drain ${name}`),
    abort: () => asked.push(`abort ${name}`),
  });
  drain.add(item('a'));
  const ended = drain.drain(1000);
  drain.add(item('b'));
  clock.advance(1000);
  assert.equal(await ended, false);
  assert.deepEqual(asked, ['drain a', 'drain b', 'abort a', 'abort b']);
});

test('with nothing open it is done at once', async () => {
  assert.equal(await new Drain(new FakeClock()).drain(1000), true);
});
