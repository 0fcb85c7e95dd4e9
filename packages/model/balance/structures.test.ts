import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Comebacks } from './comebacks.ts';
import { DISTANCES, EndpointPicker } from './index.ts';
import { WeightedPool } from './pool.ts';
import { lcg, Server } from './simulation.fake.ts';

test('a pool draws by weight whatever was added and removed before', () => {
  const step = fc.record({ remove: fc.boolean(), weight: fc.integer({ min: 1, max: 5 }), at: fc.nat(1_000) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), fc.integer(), (steps, seed) => {
      const pool = new WeightedPool<Server>();
      const inside: Server[] = [];
      for (const { remove, weight, at } of steps) {
        if (remove && inside.length > 0) pool.remove(inside.splice(at % inside.length, 1)[0]!);
        else {
          const server = new Server(`${at}`, { weight });
          inside.push(server);
          pool.add(server);
        }
      }
      assert.equal(pool.size, inside.length);
      const random = lcg(seed);
      for (let i = 0; i < 50; i++) {
        const picked = pool.pick(0, random);
        assert.equal(inside.length === 0 ? picked === undefined : inside.includes(picked!), true);
      }
    }),
  );
});

test('both candidates of a pick are different ones, so the busier one of two is never picked', () => {
  const pool = new WeightedPool<Server>();
  const servers = [new Server('idle'), new Server('busy')];
  for (const server of servers) {
    server.ewma.observe(10, 0);
    pool.add(server);
  }
  servers[1]!.inFlight = 1;
  const random = lcg(3);
  for (let i = 0; i < 1_000; i++) assert.equal(pool.pick(0, random), servers[0]);
});

test('outcasts come in order of their times, however they were put, moved and removed', () => {
  const step = fc.record({ index: fc.nat(19), dueMs: fc.nat(100), remove: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const servers = Array.from({ length: 20 }, (_, i) => new Server(`${i}`));
      const heap = new Comebacks<Server>();
      const due = new Map<Server, number>();
      for (const { index, dueMs, remove } of steps) {
        const server = servers[index]!;
        if (remove) {
          heap.remove(server);
          due.delete(server);
        } else {
          heap.put(server, dueMs);
          due.set(server, dueMs);
        }
        assert.equal(heap.first?.dueMs, due.size === 0 ? undefined : Math.min(...due.values()));
      }
      const order: number[] = [];
      while (heap.first) {
        order.push(heap.first.dueMs);
        heap.remove(heap.first);
      }
      assert.deepEqual(
        order,
        [...due.values()].sort((a, b) => a - b),
      );
    }),
  );
});

test('whatever happens to endpoints: only ready ones are picked, some ready one always is, and counts end at zero', () => {
  const event = fc.oneof(
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('pick' as const) }) },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constantFrom('answer' as const, 'fail' as const, 'lose' as const),
        at: fc.nat(99),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constantFrom('ready' as const, 'unready' as const, 'single' as const),
        at: fc.nat(99),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('put' as const, 'remove' as const), at: fc.nat(99) }) },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('move' as const),
        at: fc.nat(99),
        priority: fc.nat(40),
        weight: fc.nat(3),
        locality: fc.constantFrom(...DISTANCES),
      }),
    },
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(event, fc.nat(800)), { maxLength: 300 }), fc.integer(), (events, seed) => {
      const picker = new EndpointPicker<Server>({ zones: { low: 0.8, high: 2 }, random: lcg(seed) });
      const inside: Server[] = [];
      const everyone: Server[] = [];
      const underWay: Server[] = [];
      let nowMs = 0;
      for (const [one, afterMs] of events) {
        nowMs += afterMs;
        if (one.kind === 'pick') {
          const ready = inside.filter((server) => server.ready);
          const picked = picker.pick(nowMs);
          assert.equal(picked === undefined, ready.length === 0);
          if (picked) {
            assert.ok(ready.includes(picked));
            underWay.push(picked);
          }
        } else if (one.kind === 'put') {
          const server = new Server(`${nowMs}`, {}, nowMs);
          inside.push(server);
          everyone.push(server);
          picker.put(server);
          picker.setReady(server, true);
        } else if (one.kind === 'answer' || one.kind === 'fail' || one.kind === 'lose') {
          const [server] = underWay.splice(one.at % Math.max(1, underWay.length), 1);
          if (!server) continue;
          if (one.kind === 'answer') picker.answered(server, one.at, nowMs);
          if (one.kind === 'fail') picker.failed(server, one.at, nowMs, 500);
          picker.ended(server, one.kind !== 'lose', nowMs);
        } else if (inside.length > 0) {
          const server = inside[one.at % inside.length]!;
          if (one.kind === 'move') picker.move(server, one);
          else if (one.kind === 'remove') {
            picker.remove(server);
            inside.splice(inside.indexOf(server), 1);
          } else if (one.kind === 'single') picker.setSingle(server, nowMs);
          else picker.setReady(server, one.kind === 'ready');
        }
        assert.equal(picker.size, inside.length);
        assert.equal(picker.readyCount, inside.filter((server) => server.ready).length);
      }
      for (const server of underWay) picker.ended(server, false, nowMs);
      for (const { inFlight, waiting } of everyone) assert.deepEqual([inFlight, waiting], [0, 0]);
      assert.ok(picker.adaptiveLoad(nowMs + 1e6).average < 1e-6);
    }),
  );
});
