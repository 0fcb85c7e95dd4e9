import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BreakerResult } from '#model/breaker';
import type { Fault } from '#model/faults';
import { FakeClock } from '#runtime/clock';
import { seededRandom } from '#runtime/random';
import type { EndpointInfo } from '../discover/index.ts';
import type { BalancerWatch } from '../telemetry/index.ts';
import { endpoint } from '../testing/index.ts';
import { Balancer, type BalancerConfig } from './balancer.ts';

const CONFIG = {
  ewma: { defaultRttMs: 30, decayMs: 10_000 },
  failfastMs: 3_000,
  queueMax: 3,
  backoff: { minMs: 100, maxMs: 1_000, jitter: 0 },
};

function setUp(changes: Partial<BalancerConfig> = {}) {
  const clock = new FakeClock();
  const events: string[] = [];
  const told: string[] = [];
  const watch: BalancerWatch = {
    asked: () => told.push('asked'),
    waited: (ms) => told.push(`waited ${ms}`),
    queue: (length) => told.push(`queue ${length}`),
    gate: (open) => told.push(open ? 'open' : 'shut'),
    endpoints: (ready, all) => told.push(`${ready} of ${all}`),
    updated: (op) => told.push(op),
    load: () => told.push('load'),
    release: () => told.push('released'),
  };
  let probe: ((ok: boolean) => void) | undefined;
  const balancer = new Balancer<string, EndpointInfo>(
    { ...CONFIG, ...changes },
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
    watch,
  );
  const sent = new Map<string, Parameters<typeof balancer.unreachable>[0]>();
  /** Ends what a waiter got. */
  const end = (waiter: string, result: BreakerResult): void => {
    balancer.answered(sent.get(waiter)!, 1);
    balancer.ended(sent.get(waiter)!, waiter, true, result);
  };
  return { clock, events, balancer, sent, told, end, probed: () => probe };
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
  balancer.unreachable(sent.get('a')!, 'a');
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
  balancer.unreachable(sent.get('a')!, 'a');
  balancer.acquire('b');
  balancer.stop();
  clock.advance(100_000);
  assert.deepEqual(events, ['a -> 1', 'close 1', 'b load-shed']);
  assert.equal(clock.pending, 0);
});

test('who comes after stop is refused at once: nobody would wake them', () => {
  const { balancer, events, clock } = setUp();
  balancer.acquire('a');
  balancer.stop();
  balancer.acquire('b');
  assert.deepEqual(events, ['a load-shed', 'b load-shed']);
  assert.deepEqual([balancer.queueLength, clock.pending], [0, 0]);
});

const BREAKER = {
  kind: 'consecutive',
  maxFailures: 2,
  backoff: { minMs: 1_000, maxMs: 60_000, jitter: 0 },
} as const;

test('an endpoint that keeps failing is shut out; after the wait one request tries it, and decides', () => {
  const { balancer, events, clock, end } = setUp({ breaker: BREAKER });
  balancer.update(add(1), true);
  for (const name of ['a', 'b']) {
    balancer.acquire(name);
    end(name, 'failure');
  }
  assert.equal(balancer.readyCount, 0);
  balancer.acquire('c');
  balancer.acquire('d');
  clock.advance(999);
  assert.deepEqual(events, ['a -> 1', 'b -> 1']);
  clock.advance(1);
  assert.deepEqual(events, ['a -> 1', 'b -> 1', 'c -> 1'], 'one request only');
  end('c', 'failure');
  clock.advance(1_999);
  assert.equal(events.length, 3);
  clock.advance(1);
  assert.deepEqual(events.slice(3), ['d -> 1'], 'after twice the wait');
  balancer.acquire('e');
  end('d', 'success');
  assert.deepEqual(events.slice(4), ['e -> 1']);
  assert.equal(balancer.readyCount, 1);
});

test('results of requests sent before the breaker opened do not decide about the trial', () => {
  const { balancer, events, clock, end } = setUp({ breaker: BREAKER });
  balancer.update(add(1), true);
  for (const name of ['a', 'b', 'late', 'later']) balancer.acquire(name);
  end('a', 'failure');
  end('b', 'failure');
  balancer.acquire('trial');
  clock.advance(1_000);
  assert.equal(events.at(-1), 'trial -> 1');
  end('late', 'failure');
  end('later', 'success');
  assert.equal(balancer.readyCount, 0);
  end('trial', 'success');
  assert.equal(balancer.readyCount, 1);
});

test('a trial that the client gives up is followed by another', () => {
  const { balancer, events, clock, sent, end } = setUp({ breaker: BREAKER });
  balancer.update(add(1), true);
  for (const name of ['a', 'b']) balancer.acquire(name);
  for (const name of ['a', 'b']) end(name, 'failure');
  balancer.acquire('trial');
  clock.advance(1_000);
  balancer.acquire('next');
  balancer.ended(sent.get('trial')!, 'trial', false, 'none');
  assert.deepEqual(events.slice(2), ['trial -> 1', 'next -> 1']);
});

test('a trial that finds nobody waits for the connection, then is made', () => {
  const { balancer, events, clock, sent, end, probed } = setUp({ breaker: BREAKER, failfastMs: 10_000 });
  balancer.update(add(1), true);
  for (const name of ['a', 'b']) balancer.acquire(name);
  for (const name of ['a', 'b']) end(name, 'failure');
  balancer.acquire('trial');
  clock.advance(1_000);
  balancer.unreachable(sent.get('trial')!, 'trial');
  balancer.acquire('trial');
  assert.equal(balancer.readyCount, 0);
  clock.advance(100);
  probed()!(true);
  balancer.acquire('after');
  assert.deepEqual(events.slice(2), ['trial -> 1', 'trial -> 1']);
  end('trial', 'success');
  assert.equal(events.at(-1), 'after -> 1');
});

test('with all breakers open waiters fail fast and are told why', () => {
  const { balancer, events, clock, end } = setUp({
    breaker: { ...BREAKER, backoff: { ...BREAKER.backoff, minMs: 9_000 } },
  });
  balancer.update(add(1), true);
  for (const name of ['a', 'b']) balancer.acquire(name);
  for (const name of ['a', 'b']) end(name, 'failure');
  balancer.acquire('c');
  clock.advance(3_000);
  balancer.acquire('d');
  assert.deepEqual(events.slice(2), ['c fail-fast', 'd load-shed']);
  clock.advance(6_000);
  balancer.acquire('e');
  assert.equal(events.at(-1), 'e -> 1');
});

test('breakers leave as many endpoints ready as they are told', () => {
  const { balancer, sent, end } = setUp({ breaker: { ...BREAKER, minReadyEndpoints: 1 } });
  balancer.update(add(1, 2), true);
  for (let i = 0; i < 20; i++) {
    balancer.acquire(`r${i}`);
    end(`r${i}`, 'failure');
  }
  assert.equal(balancer.readyCount, 1);
  const left = sent.get('r19')!;
  balancer.update(add(3), false);
  balancer.acquire('slow');
  while (sent.get('slow') !== left) balancer.acquire('slow');
  end('slow', 'failure');
  assert.equal(left.ready, false, 'with another one ready it can be spared');
});

test('a change of weight or priority keeps connections', () => {
  const { balancer, events } = setUp();
  balancer.update(add(1, 2), true);
  const changed = endpoint(1, { weight: 3, priority: 2, locality: 'remote' });
  balancer.update({ kind: 'add', endpoints: [changed] }, false);
  assert.deepEqual(events, []);
  for (const name of ['a', 'b', 'c']) balancer.acquire(name);
  assert.deepEqual(events, ['a -> 2', 'b -> 2', 'c -> 2']);
});

test('metrics hear of every request, of waiting, of the gate and of endpoints', () => {
  const { balancer, told, clock } = setUp();
  balancer.acquire('a');
  clock.advance(1_000);
  balancer.update(add(1), true);
  balancer.acquire('b');
  balancer.update({ kind: 'none', exists: true }, false);
  balancer.acquire('c');
  clock.advance(3_000);
  balancer.update(add(2), false);
  balancer.stop();
  assert.deepEqual(told, [
    'open',
    ...['asked', 'queue 1', 'Reset', '1 of 1', 'queue 0', 'waited 1000'],
    ...['asked', 'waited 0', 'Reset', '0 of 0'],
    ...['asked', 'queue 1', 'shut', 'queue 0', 'Add', '1 of 1', 'open', 'released'],
  ]);
});
