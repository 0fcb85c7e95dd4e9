import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Server, Simulation } from './simulation.fake.ts';

const names = (count: number, prefix = 's') => Array.from({ length: count }, (_, i) => `${prefix}${i}`);
const total = (servers: readonly Server[]) => servers.reduce((sum, { picks }) => sum + picks, 0);
const around = (meanMs: number) => (_server: Server, _nowMs: number, random: () => number) =>
  meanMs * (0.7 + 0.6 * random());

test('equal servers get equal shares', () => {
  const servers = names(5).map((name) => new Server(name));
  const sim = new Simulation({ latencyMs: around(10) });
  sim.add(...servers);
  sim.run(500, 20_000, servers);
  for (const { name, picks } of servers) assert.ok(Math.abs(picks - 2_000) < 200, `${name} ${picks}`);
});

test('one request after the other spreads over servers that differ by a few milliseconds', () => {
  const servers = names(3).map((name) => new Server(name));
  const sim = new Simulation({
    latencyMs: (server, _nowMs, random) => 1 + servers.indexOf(server) + 2 * random() + (random() < 0.02 ? 10 : 0),
  });
  sim.add(...servers);
  for (const [forMs, least] of [
    [400, 5],
    [20_000, 300],
  ] as const) {
    sim.run(100, forMs, servers);
    for (const { name, picks } of servers) assert.ok(picks >= least, `${name} got ${picks} of ${forMs / 10}`);
  }
});

test('of two servers the slow one gets almost nothing', () => {
  const [fast, slow] = [new Server('fast'), new Server('slow')];
  const sim = new Simulation({ latencyMs: (server) => (server === slow ? 200 : 5) });
  sim.add(fast, slow);
  sim.run(100, 60_000);
  assert.ok(slow.picks / 6_000 < 0.02, `${slow.picks}`);
});

for (const [perSecond, meanMs, busy] of [
  [100, 5, 'idle'],
  [1_000, 20, 'busy'],
  [2_000, 50, 'very busy'],
] as const)
  test(`${busy} servers with weights get shares within a tenth of them`, () => {
    const weights = [0.5, 1, 1, 2, 4];
    const servers = weights.map((weight, i) => new Server(`s${i}`, { weight }));
    const sim = new Simulation({ latencyMs: around(meanMs) });
    sim.add(...servers);
    sim.run(perSecond, 5_000);
    sim.run(perSecond, 60_000, servers);
    for (const { name, picks, standing } of servers) {
      const share = picks / total(servers) / (standing.weight / 8.5);
      assert.ok(share > 0.9 && share < 1.1, `${name} of weight ${standing.weight} got ${share} of its share`);
    }
  });

test('two servers with weights 1 and 3 get a quarter and three quarters', () => {
  const servers = [new Server('a', { weight: 1 }), new Server('b', { weight: 3 })];
  const sim = new Simulation({ latencyMs: around(20) });
  sim.add(...servers);
  sim.run(400, 60_000, servers);
  assert.ok(Math.abs(servers[1]!.picks / total(servers) - 0.75) < 0.05, `${servers.map(({ picks }) => picks)}`);
});

test('weights compare: the same ones ten times as large change nothing', () => {
  const shares = [1, 10].map((factor) => {
    const servers = [1, 2].map((weight) => new Server(`w${weight}`, { weight: weight * factor }));
    const sim = new Simulation({ latencyMs: around(30) });
    sim.add(...servers);
    sim.run(300, 20_000, servers);
    return servers.map(({ picks }) => picks);
  });
  assert.deepEqual(shares[0], shares[1]);
});

test('a server without weight serves only when nothing else is ready', () => {
  const [usual, backup, spare] = [
    new Server('usual'),
    new Server('backup', { priority: 7 }),
    new Server('spare', { weight: 0 }),
  ];
  const sim = new Simulation({ latencyMs: around(5) });
  sim.add(usual, backup, spare);
  sim.run(100, 1_000);
  assert.deepEqual([usual.picks, backup.picks, spare.picks], [100, 0, 0]);
  sim.picker.setReady(usual, false);
  sim.run(100, 1_000);
  assert.deepEqual([usual.picks, backup.picks, spare.picks], [100, 100, 0]);
  sim.picker.setReady(backup, false);
  sim.run(100, 1_000);
  assert.deepEqual([usual.picks, backup.picks, spare.picks], [100, 100, 100]);
  sim.picker.setReady(spare, false);
  sim.run(100, 1_000);
  assert.equal(sim.unserved, 100);
});

test('a new server is tried at once, with one request until it answered', () => {
  const old = names(4).map((name) => new Server(name));
  const fresh = new Server('fresh');
  const sim = new Simulation({ latencyMs: (server) => (server === fresh ? 2_000 : 2) });
  sim.add(...old);
  sim.run(1_000, 5_000);
  sim.add(fresh);
  sim.run(1_000, 100);
  assert.equal(fresh.picks, 1);
  sim.run(1_000, 1_800);
  assert.deepEqual([fresh.picks, fresh.peak], [1, 1]);
});

test('a new server that is as fast as the others gets its share within a second', () => {
  const old = names(9).map((name) => new Server(name));
  const fresh = new Server('fresh', {}, 5_000);
  const sim = new Simulation({ latencyMs: around(3) });
  sim.add(...old);
  sim.run(1_000, 5_000);
  sim.add(fresh);
  sim.run(1_000, 1_000);
  assert.ok(fresh.picks > 50 && fresh.picks < 250, `${fresh.picks}`);
  assert.ok(fresh.peak <= 3, `${fresh.peak} at once`);
});

test('with all servers new nobody gets a herd', () => {
  const servers = names(10).map((name) => new Server(name));
  const sim = new Simulation({ latencyMs: () => 1_000 });
  sim.add(...servers);
  sim.run(1_000, 100);
  for (const { name, peak } of servers) assert.ok(peak >= 7 && peak <= 14, `${name} had ${peak}`);
});

test('a server with one slow answer among fast ones is back within three seconds', () => {
  const servers = names(4).map((name) => new Server(name));
  const hiccup = servers[0]!;
  let slow = false;
  const sim = new Simulation({
    latencyMs: (server) => {
      if (!slow || server !== hiccup) return 2;
      slow = false;
      return 5_000;
    },
  });
  sim.add(...servers);
  sim.run(200, 2_000);
  slow = true;
  sim.run(200, 6_000);
  assert.equal(slow, false);
  sim.run(200, 2_000);
  sim.run(200, 1_000, servers);
  assert.ok(hiccup.picks > 25, `${hiccup.picks} of 200`);
});

test('a server that stays slow is tried ever more rarely', () => {
  const servers = names(4).map((name) => new Server(name));
  const slow = servers[0]!;
  const sim = new Simulation({ latencyMs: (server) => (server === slow ? 3_000 : 2) });
  sim.add(...servers);
  sim.run(200, 60_000, servers);
  assert.ok(slow.picks >= 3 && slow.picks <= 10, `${slow.picks} of 12,000`);
});

test('a server that asked to be left alone is, as long as it asked', () => {
  const ewma = { defaultRttMs: 30, decayMs: 10_000, penaltyMs: 5_000, retryAfterMaxMs: 300_000 };
  const servers = names(3).map((name) => new Server(name, {}, 0, ewma));
  const sim = new Simulation({ latencyMs: () => 2 });
  sim.add(...servers);
  sim.run(100, 1_000);
  const busy = servers[0]!;
  while (sim.picker.pick(sim.nowMs) !== busy);
  sim.picker.failed(busy, 1, sim.nowMs, 20_000);
  sim.picker.ended(busy, true, sim.nowMs);
  for (const other of servers) other.inFlight = 0;
  sim.run(100, 19_500, servers);
  assert.equal(busy.picks, 0);
  sim.run(100, 3_000, servers);
  assert.ok(busy.picks > 50, `${busy.picks}`);
});

test('a server that leaves requests unanswered is as slow as they were patient; those given up at once say nothing', () => {
  const [mute, other] = [new Server('mute'), new Server('other')];
  const sim = new Simulation({ latencyMs: () => 20 });
  sim.add(mute, other);
  let asked = 0;
  for (let nowMs = 0; nowMs < 5_000; nowMs += 250) {
    const server = sim.picker.pick(nowMs)!;
    if (server === mute) {
      asked++;
      sim.picker.ended(mute, false, nowMs + 200, 200);
    } else {
      sim.picker.answered(other, 20, nowMs + 20);
      sim.picker.ended(other, true, nowMs + 20);
    }
  }
  assert.ok(asked <= 8, `${asked} of 20`);
  const third = new Server('third');
  sim.add(third);
  while (sim.picker.pick(5_000) !== third);
  sim.picker.ended(third, false, 5_001, 1);
  assert.equal(third.ewma.measured, false);
});

const ZONES = { low: 0.8, high: 2 };

test('near servers alone carry a load in their band; far ones join when it grows and leave when it falls', () => {
  const near = names(3, 'near').map((name) => new Server(name, { locality: 'local' }));
  const far = names(6, 'far').map((name) => new Server(name, { locality: 'remote' }));
  const sim = new Simulation({ zones: ZONES, latencyMs: around(20) });
  sim.add(...far, ...near);
  sim.run(150, 10_000);
  assert.deepEqual([total(near), total(far)], [1_500, 0], 'load 3 of 3 x 2');
  sim.run(600, 5_000, [...near, ...far]);
  sim.run(600, 10_000, [...near, ...far]);
  const farShare = total(far) / 6_000;
  assert.ok(farShare > 0.3 && farShare < 0.7, `load 12 of 3 x 2: ${farShare} went far`);
  const { average, bandLow, bandHigh } = sim.picker.adaptiveLoad(sim.nowMs);
  assert.ok(average > bandLow && average < bandHigh, `${average} in ${bandLow} to ${bandHigh}`);
  sim.run(100, 5_000);
  sim.run(100, 10_000, [...near, ...far]);
  assert.equal(total(far), 0);
});

test('added latency of near servers pulls far ones in', () => {
  const near = names(2, 'near').map((name) => new Server(name, { locality: 'local' }));
  const far = names(2, 'far').map((name) => new Server(name, { locality: 'remote' }));
  let nearMs = 10;
  const sim = new Simulation({
    zones: ZONES,
    latencyMs: ({ standing }) => (standing.locality === 'local' ? nearMs : 12),
  });
  sim.add(...near, ...far);
  sim.run(200, 10_000);
  assert.equal(total(far), 0);
  nearMs = 300;
  sim.run(200, 3_000);
  sim.run(200, 10_000, far);
  assert.ok(total(far) > 1_500, `${total(far)} of 2,000`);
});

test('inside the band nothing changes', () => {
  const near = names(2, 'near').map((name) => new Server(name, { locality: 'local' }));
  const far = names(8, 'far').map((name) => new Server(name, { locality: 'remote' }));
  const sim = new Simulation({ zones: ZONES, latencyMs: around(20) });
  sim.add(...near, ...far);
  sim.run(400, 10_000);
  const active = far.filter((server) => server.active);
  assert.ok(active.length > 0 && active.length < 8, `${active.length}`);
  for (const perSecond of [380, 420, 400]) sim.run(perSecond, 5_000);
  assert.deepEqual(
    far.filter((server) => server.active),
    active,
  );
});

test('with no near server left the next zone takes over as a whole; the near ones take back when they return', () => {
  const near = names(2, 'near').map((name) => new Server(name, { locality: 'local' }));
  const unknown = names(3, 'unknown').map((name) => new Server(name));
  const far = names(3, 'far').map((name) => new Server(name, { locality: 'remote' }));
  const all = [...near, ...unknown, ...far];
  const sim = new Simulation({ zones: ZONES, latencyMs: around(5) });
  sim.add(...all);
  for (const server of near) sim.picker.setReady(server, false);
  sim.run(100, 2_000, all);
  assert.deepEqual([total(near), total(unknown), total(far)], [0, 200, 0]);
  for (const server of unknown) sim.picker.setReady(server, false);
  sim.run(100, 2_000, all);
  assert.deepEqual([total(near), total(unknown), total(far)], [0, 0, 200]);
  for (const server of all) sim.picker.setReady(server, true);
  sim.run(100, 2_000, all);
  assert.deepEqual([total(near), total(unknown), total(far)], [200, 0, 0]);
});

test('without a band zones play no role', () => {
  const servers = (['local', 'remote'] as const).map((locality) => new Server(locality, { locality }));
  const sim = new Simulation({ latencyMs: around(5) });
  sim.add(...servers);
  sim.run(100, 10_000);
  for (const { name, picks } of servers) assert.ok(picks > 350, `${name} ${picks}`);
});

test('the next level helps out in proportion when too few of the first are ready', () => {
  const first = names(10, 'first').map((name) => new Server(name));
  const second = names(10, 'second').map((name) => new Server(name, { priority: 1 }));
  const sim = new Simulation({ latencyMs: around(5) });
  sim.add(...first, ...second);
  const shareOfSecond = (ready: number): number => {
    first.forEach((server, i) => {
      sim.picker.setReady(server, i < ready);
    });
    sim.run(500, 10_000, [...first, ...second]);
    return total(second) / 5_000;
  };
  assert.equal(shareOfSecond(10), 0);
  assert.equal(shareOfSecond(8), 0);
  assert.ok(Math.abs(shareOfSecond(5) - 0.3) < 0.03, 'five of ten carry 70 %');
  assert.ok(Math.abs(shareOfSecond(2) - 0.72) < 0.03, 'two of ten carry 28 %');
  assert.equal(shareOfSecond(0), 1);
  assert.equal(sim.unserved, 0);
});

test('levels that cannot carry all share it by what they can', () => {
  const first = names(10, 'first').map((name) => new Server(name));
  const second = names(10, 'second').map((name) => new Server(name, { priority: 5 }));
  const sim = new Simulation({ latencyMs: around(5) });
  sim.add(...first, ...second);
  for (const servers of [first, second])
    servers.forEach((server, i) => {
      sim.picker.setReady(server, i < 2);
    });
  sim.run(500, 10_000);
  assert.ok(Math.abs(total(first) / 5_000 - 0.5) < 0.05, `${total(first)}`);
});

test('a server that is ready for one request gets one, soon, and no more', () => {
  const servers = names(3).map((name) => new Server(name));
  const sim = new Simulation({ latencyMs: () => 2 });
  sim.add(...servers);
  sim.run(100, 1_000);
  const probed = servers[0]!;
  sim.picker.setReady(probed, false);
  sim.run(100, 1_000, servers);
  assert.equal(probed.picks, 0);
  sim.picker.setSingle(probed, sim.nowMs);
  sim.run(100, 500, servers);
  assert.equal(probed.picks, 1);
  assert.equal(sim.picker.readyCount, 2);
  sim.picker.setReady(probed, true);
  sim.run(100, 3_000, servers);
  assert.ok(probed.picks > 50, `${probed.picks}`);
});

test('a change of weight or zone takes effect and loses no request in flight', () => {
  const [a, b] = [new Server('a'), new Server('b')];
  const sim = new Simulation({ zones: ZONES, latencyMs: () => 50 });
  sim.add(a, b);
  sim.run(200, 1_000);
  sim.picker.move(b, { weight: 1, locality: 'local', priority: 0 });
  sim.run(20, 5_000);
  sim.run(20, 3_000, [a, b]);
  assert.equal(a.picks, 0);
  sim.picker.remove(b);
  sim.run(200, 2_000, [a, b]);
  assert.equal(b.inFlight, 0);
  const { average } = sim.picker.adaptiveLoad(sim.nowMs + 60_000);
  assert.ok(Math.abs(average - a.inFlight) < 0.01, `${average}`);
});

test('20,000 servers: picks and changes stay cheap', () => {
  const servers = names(20_000).map((name, i) => new Server(name, { weight: 1 + (i % 3) }));
  const sim = new Simulation({ zones: ZONES, latencyMs: () => 1 });
  sim.add(...servers);
  const before = process.cpuUsage();
  sim.run(20_000, 1_000);
  for (const server of servers) {
    sim.picker.setReady(server, false);
    sim.picker.setReady(server, true);
  }
  const tookMs = process.cpuUsage(before).user / 1_000;
  assert.ok(tookMs < 2_000, `${tookMs} ms`);
});
