import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ClusterLevels, type MemberHealth, readPreference } from './index.ts';

const KEY = 'balancer.weft.dev/';
const preference = (annotations: Record<string, string>) =>
  readPreference(({ key, parse }) => {
    const text = annotations[key.replace(KEY, '')];
    return text === undefined ? undefined : parse(text);
  });
const member = (cluster: string, ready: number, total = ready, stale = false): MemberHealth => ({
  cluster,
  ready,
  total,
  stale,
});
const ORDERED = preference({ 'cluster-order': 'local,east,north', 'cluster-return-after': '10s' });

/** Priorities by cluster. */
const priorities = (levels: ClusterLevels, wanted: typeof ORDERED, members: MemberHealth[], nowMs = 0) =>
  Object.fromEntries(
    [...levels.place(wanted, members, nowMs).byCluster].map(([name, { priority }]) => [name, priority]),
  );

test('without a preference all clusters are equal, and endpoints count the same', () => {
  const { byCluster, dueMs } = new ClusterLevels().place(preference({}), [member('local', 1), member('east', 9)], 0);
  assert.deepEqual([...byCluster.values()], Array(2).fill({ priority: 0, weight: 1 }));
  assert.equal(dueMs, undefined);
});

test('clusters stand in their order; those that are not named come last, together', () => {
  const members = [member('south', 2), member('east', 2), member('local', 2), member('west', 2)];
  assert.deepEqual(priorities(new ClusterLevels(), ORDERED, members), { local: 0, east: 1, south: 2, west: 2 });
});

test('a level that is short of ready endpoints shares its traffic with the next one only', () => {
  const levels = new ClusterLevels();
  const now = (ready: number) =>
    priorities(levels, ORDERED, [member('local', ready, 10), member('east', 4), member('north', 4)]);
  assert.deepEqual(now(7), { local: 0, east: 1, north: 2 });
  assert.deepEqual(now(6), { local: 0, east: 0, north: 1 });
});

test('when two levels are short the third helps out', () => {
  const members = [member('local', 0), member('east', 1, 4), member('north', 4)];
  assert.deepEqual(priorities(new ClusterLevels(), ORDERED, members), { local: 0, east: 0, north: 0 });
});

test('traffic returns only when a level was well for the whole time', () => {
  const levels = new ClusterLevels();
  const at = (ready: number, nowMs: number) => {
    const { byCluster, dueMs } = levels.place(ORDERED, [member('local', ready, 10), member('east', 4)], nowMs);
    return [byCluster.get('east')?.priority, dueMs];
  };
  assert.deepEqual(at(3, 0), [0, undefined]);
  assert.deepEqual(at(10, 1_000), [0, 11_000]);
  assert.deepEqual(at(3, 5_000), [0, undefined]);
  assert.deepEqual(at(10, 6_000), [0, 16_000]);
  assert.deepEqual(at(10, 15_999), [0, 16_000]);
  assert.deepEqual(at(10, 16_000), [1, undefined]);
});

test('weights are shares of clusters, whatever the number of their endpoints', () => {
  const wanted = preference({ 'cluster-weights': 'local=3,east=1' });
  const { byCluster } = new ClusterLevels().place(
    wanted,
    [member('local', 2), member('east', 8), member('gone', 0, 3)],
    0,
  );
  const weight = (name: string) => byCluster.get(name)?.weight ?? assert.fail(name);
  assert.equal((2 * weight('local')) / (8 * weight('east')), 3);
});

test('a cluster of which nothing new is known comes last, stays or goes, as its service says', () => {
  const members = [member('local', 2), member('east', 2, 2, true), member('north', 2)];
  const under = (word?: string) =>
    priorities(new ClusterLevels(), preference(word ? { 'stale-clusters': word } : {}), members);
  assert.deepEqual(under(), { local: 0, north: 0, east: 1 });
  assert.deepEqual(under('keep'), { local: 0, east: 0, north: 0 });
  assert.deepEqual(under('drop'), { local: 0, north: 0 });
});

test('whatever the clusters are, none is lost, levels have no gaps, and shares add up', () => {
  const members = fc.uniqueArray(
    fc.record({
      cluster: fc.constantFrom('local', 'east', 'north', 'west', 'south'),
      ready: fc.nat(20),
      more: fc.nat(20),
      stale: fc.boolean(),
    }),
    { selector: ({ cluster }) => cluster },
  );
  const wanted = preference({ 'cluster-order': 'local,east+north', 'cluster-weights': 'local=2,north=0' });
  fc.assert(
    fc.property(fc.array(fc.tuple(members, fc.nat(60_000)), { maxLength: 8 }), (moments) => {
      const levels = new ClusterLevels();
      let nowMs = 0;
      for (const [list, passedMs] of moments) {
        nowMs += passedMs;
        const now = list.map(({ more, ...each }) => ({ ...each, total: each.ready + more }));
        const { byCluster, dueMs } = levels.place(wanted, now, nowMs);
        assert.equal(byCluster.size, now.length);
        const used = [...new Set([...byCluster.values()].map(({ priority }) => priority))].sort((a, b) => a - b);
        assert.deepEqual(
          used,
          used.map((_, at) => at),
        );
        assert.ok(dueMs === undefined || dueMs > nowMs);
        for (const { weight } of byCluster.values()) assert.ok(weight >= 0 && Number.isFinite(weight));
      }
    }),
  );
});
