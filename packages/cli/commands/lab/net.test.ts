import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readTarget } from './kill.ts';
import { readChange } from './net.ts';
import { faultsTable } from './render.ts';

test('each verb reads its measures', () => {
  assert.deepEqual(readChange('delay', ['west', 'east'], { ms: '100', jitter: '20', for: '30s' }), {
    trouble: { kind: 'delay', ms: 100, jitterMs: 20 },
    clusters: ['west', 'east'],
    durationMs: 30_000,
  });
  assert.deepEqual(readChange('loss', ['west'], { percent: '2.5' }), {
    trouble: { kind: 'loss', percent: 2.5 },
    clusters: ['west'],
  });
  assert.deepEqual(readChange('partition', ['west'], {}), { trouble: { kind: 'partition' }, clusters: ['west'] });
  assert.deepEqual(readChange('heal', [], {}), { heal: [] });
});

test('what does not fit a verb is refused by name', () => {
  assert.throws(() => readChange('slow', [], {}), /knows delay, loss, partition, heal, not "slow"/);
  assert.throws(() => readChange('delay', ['west'], {}), /delay needs --ms/);
  assert.throws(() => readChange('delay', ['west'], { ms: '1', percent: '1' }), /delay does not take --percent/);
  assert.throws(() => readChange('heal', ['west'], { for: '1s' }), /heal does not take --for/);
  assert.throws(() => readChange('delay', ['west'], { ms: 'fast' }), /--ms takes a number, not "fast"/);
  assert.throws(() => readChange('loss', [], { percent: '1' }), /loss needs a cluster, or two/);
  assert.throws(() => readChange('partition', ['a', 'b', 'c'], {}), /two clusters at most, not 3/);
  assert.throws(() => readChange('partition', ['a'], { for: 'ever' }), /--for: expected a duration/);
});

test('faults are listed with their age and end', () => {
  const clusters = ['east', 'west'] as const;
  const table = faultsTable(
    [
      { kind: 'partition', clusters, sinceMs: 0 },
      { kind: 'loss', percent: 5, clusters, sinceMs: 4000, untilMs: 12_000 },
    ],
    10_000,
  );
  assert.equal(
    table,
    [
      'BETWEEN      WHAT                    AGE   ENDS',
      'east - west  partition               10 s  when healed',
      'east - west  loss of 5 % of packets  6 s   in 2 s',
      '',
    ].join('\n'),
  );
  assert.equal(faultsTable([], 0), 'the network is whole\n');
});

test('a name to kill is a cluster, a pod or a container', () => {
  assert.equal(readTarget('west', ['west']), 'west');
  assert.deepEqual(readTarget('shop/web', []), { namespace: 'shop', pod: 'web' });
  assert.deepEqual(readTarget('shop/web/proxy', []), { namespace: 'shop', pod: 'web', container: 'proxy' });
  assert.throws(() => readTarget('wset', ['west', 'east']), /no cluster "wset" in this lab \(there are: west, east\)/);
  for (const name of ['shop/', '/web', 'a/b/', 'a/b/c/d']) assert.throws(() => readTarget(name, []), /is none of/);
});
