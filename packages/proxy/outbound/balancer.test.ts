import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Fault } from '#model/faults';
import { FakeClock } from '#runtime/clock';
import { seededRandom } from '#runtime/random';
import type { EndpointInfo } from '../discover/index.ts';
import { endpoint } from '../testing/index.ts';
import { Balancer } from './balancer.ts';

const CONFIG = {
  ewma: { defaultRttMs: 30, decayMs: 10_000 },
  failfastMs: 3_000,
  queueMax: 3,
  backoff: { minMs: 100, maxMs: 1_000, jitter: 0 },
};

function setUp() {
  const clock = new FakeClock();
  const events: string[] = [];
  let probe: ((ok: boolean) => void) | undefined;
  const balancer = new Balancer<string, EndpointInfo>(
    CONFIG,
    { clock, random: seededRandom(1) },
    {
      open: (info) => info,
      close: (info) => events.push(`close ${info.port}`),
      probe: (_info, done) => {
        probe = done;
      },
      send: (waiter, slot) => {
        events.push(`${waiter} -> ${slot.info.port}`);
        sent.set(waiter, slot);
      },
      refuse: (waiter, fault: Fault) => events.push(`${waiter} ${fault.code}`),
    },
  );
  const sent = new Map<string, Parameters<typeof balancer.unreachable>[0]>();
  return { clock, events, balancer, sent, probed: () => probe };
}

const add = (...ports: number[]) => ({ kind: 'add', endpoints: ports.map((port) => endpoint(port)) }) as const;

test('those who wait are served in order when an endpoint appears', () => {
  const { balancer, events } = setUp();
  balancer.acquire('a');
  balancer.acquire('b');
  assert.deepEqual(events, []);
  balancer.update(add(1), true);
  assert.deepEqual(events, ['a -> 1', 'b -> 1']);
});

test('after the fail-fast time all waiters fail and new ones are shed, until an endpoint is there', () => {
  const { balancer, events, clock } = setUp();
  balancer.acquire('a');
  clock.advance(2_000);
  balancer.acquire('b');
  clock.advance(1_000);
  balancer.acquire('c');
  assert.equal(balancer.available, false);
  balancer.update(add(1), true);
  balancer.acquire('d');
  assert.deepEqual(events, ['a fail-fast', 'b fail-fast', 'c load-shed', 'd -> 1']);
});

test('the queue has a limit, and who gives up leaves it', () => {
  const { balancer, events } = setUp();
  for (const name of ['a', 'b', 'c', 'd']) balancer.acquire(name);
  assert.deepEqual(events, ['d load-shed']);
  assert.equal(balancer.cancel('b'), true);
  assert.equal(balancer.cancel('b'), false);
  balancer.update(add(1), true);
  assert.deepEqual(events, ['d load-shed', 'a -> 1', 'c -> 1']);
});

test('an unreachable endpoint is left out and probed with growing waits until it is back', () => {
  const { balancer, events, clock, sent, probed } = setUp();
  balancer.update(add(1), true);
  balancer.acquire('a');
  balancer.unreachable(sent.get('a')!);
  balancer.acquire('b');
  assert.equal(balancer.readyCount, 0);
  clock.advance(100);
  probed()!(false);
  clock.advance(199);
  const before = probed();
  clock.advance(1);
  assert.notEqual(probed(), before);
  probed()!(true);
  assert.deepEqual(events, ['a -> 1', 'b -> 1']);
  assert.equal(balancer.readyCount, 1);
});

test('the first add of a stream replaces; later ones add; what is unchanged keeps its connections', () => {
  const { balancer, events } = setUp();
  balancer.update(add(1, 2), true);
  balancer.update(add(3), false);
  assert.equal(balancer.size, 3);
  balancer.update({ kind: 'remove', addrs: [{ ip: '127.0.0.1', port: 2 }] }, false);
  assert.deepEqual(events, ['close 2']);
  balancer.update(add(3, 4), true);
  assert.deepEqual(events, ['close 2', 'close 1']);
  const changed = { kind: 'add', endpoints: [endpoint(3, { labels: { pod: 'new' } })] } as const;
  balancer.update(changed, false);
  assert.deepEqual(events, ['close 2', 'close 1', 'close 3']);
  balancer.update({ kind: 'none', exists: false }, false);
  assert.equal(balancer.size, 0);
});

test('a removal at the head of a stream says nothing about what is known', () => {
  const { balancer } = setUp();
  balancer.update(add(1), true);
  balancer.update({ kind: 'remove', addrs: [{ ip: '127.0.0.1', port: 1 }] }, true);
  assert.equal(balancer.size, 1);
});

test('nothing goes on after stop', () => {
  const { balancer, events, clock, sent } = setUp();
  balancer.update(add(1), true);
  balancer.acquire('a');
  balancer.unreachable(sent.get('a')!);
  balancer.acquire('b');
  balancer.stop();
  clock.advance(100_000);
  assert.deepEqual(events, ['a -> 1', 'close 1', 'b load-shed']);
  assert.equal(clock.pending, 0);
});
