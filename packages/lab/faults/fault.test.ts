import assert from 'node:assert/strict';
import { test } from 'node:test';
import { current, describeTrouble, type Fault, healed, pairsOf, type Trouble, withTrouble } from './fault.ts';
import { delayedPairs, faultScript } from './rules.ts';

const ALL = ['west', 'east', 'north'];
const TERRITORIES = ALL.map((name, index) => ({ name, cidrs: [`10.${42 + index}.0.0/16`, `172.30.${index}.0/24`] }));

const faultsOf = (trouble: Trouble, clusters: readonly string[], before: readonly Fault[] = [], durationMs?: number) =>
  withTrouble(before, trouble, { pairs: pairsOf(clusters, ALL), nowMs: 1000, durationMs });

test('one cluster stands for it and each other, two for each other', () => {
  assert.deepEqual(pairsOf(['west'], ALL), [
    ['east', 'west'],
    ['north', 'west'],
  ]);
  assert.deepEqual(pairsOf(['west', 'north'], ALL), [['north', 'west']]);
});

test('bad names are refused with what there is', () => {
  assert.throws(() => pairsOf(['wset'], ALL), /no cluster "wset" in this lab; there are: west, east, north/);
  assert.throws(() => pairsOf(['west', 'west'], ALL), /whole in itself/);
  assert.throws(() => pairsOf(['west'], ['west']), /the only one of this lab/);
});

test('a fault replaces the one of its kind between the same clusters and leaves others', () => {
  const slow = faultsOf({ kind: 'delay', ms: 50, jitterMs: 0 }, ['west', 'east']);
  const lossy = faultsOf({ kind: 'loss', percent: 5 }, ['west', 'east'], slow);
  const slower = faultsOf({ kind: 'delay', ms: 100, jitterMs: 10 }, ['west', 'east'], lossy);
  assert.deepEqual(slower.map(describeTrouble), [
    'loss of 5 % of packets',
    'delay of 100 ms each way, give or take 10 ms',
  ]);
});

test('healing a cluster leaves what is between others', () => {
  const faults = faultsOf({ kind: 'partition' }, ['west', 'east'], faultsOf({ kind: 'partition' }, ['north', 'east']));
  assert.deepEqual(
    healed(faults, pairsOf(['west'], ALL)).map(({ clusters }) => clusters),
    [['east', 'north']],
  );
});

test('a fault with a duration ends by itself', () => {
  const faults = faultsOf({ kind: 'partition' }, ['west', 'east'], [], 5000);
  assert.equal(current(faults, 5999).length, 1);
  assert.equal(current(faults, 6000).length, 0);
});

test('measures out of bounds are refused', () => {
  const refuse = (trouble: Trouble, expected: RegExp, durationMs?: number) =>
    assert.throws(() => faultsOf(trouble, ['west'], [], durationMs), expected);
  refuse({ kind: 'loss', percent: 0 }, /more than 0 and at most 100 percent, not 0/);
  refuse({ kind: 'loss', percent: 101 }, /not 101/);
  refuse({ kind: 'delay', ms: 0, jitterMs: 0 }, /at most 60000 ms, not 0/);
  refuse({ kind: 'delay', ms: 10, jitterMs: 11 }, /varies by 0 up to its own 10 ms, not by 11/);
  refuse({ kind: 'partition' }, /at most 24 hours/, 0);
});

test('a partition drops both directions before anything else is decided', () => {
  const faults = faultsOf({ kind: 'partition' }, ['west', 'east'], faultsOf({ kind: 'loss', percent: 5 }, ['west']));
  const rules = faultScript(faults, TERRITORIES, 0)
    .split('\n')
    .filter((line) => line.includes('ip saddr'));
  assert.match(rules[0] ?? '', /saddr \{ 10\.43\.0\.0\/16, 172\.30\.1\.0\/24 \} ip daddr \{ 10\.42\..* \} drop;/);
  assert.match(rules[1] ?? '', /saddr \{ 10\.42.* ip daddr \{ 10\.43\..* \} drop;/);
  assert.match(rules[2] ?? '', /numgen random mod 10000 < 500 drop/);
  assert.equal(rules.length, 6);
});

test('a loss of nearly everything is drawn, one of everything is not', () => {
  const ruleOf = (percent: number) =>
    faultScript(faultsOf({ kind: 'loss', percent }, ['west', 'east']), TERRITORIES, 0).match(
      /\} (numgen.*|drop);/,
    )?.[1];
  assert.equal(ruleOf(99.99), 'numgen random mod 10000 < 9999 drop');
  assert.equal(ruleOf(0.001), 'numgen random mod 10000 < 1 drop');
  assert.equal(ruleOf(100), 'drop');
});

test('the kernel ends a fault with a duration: its destinations leave their set', () => {
  const script = faultScript(faultsOf({ kind: 'partition' }, ['west', 'east'], [], 5000), TERRITORIES, 2000);
  assert.match(
    script,
    /set until-0-west \{ type ipv4_addr; flags interval, timeout; elements = \{ 10\.42\.0\.0\/16 timeout 4000ms/,
  );
  assert.match(script, /ip daddr @until-0-west drop/);
});

test('delayed packets are marked and seen by the tracker only when they come out', () => {
  const faults = faultsOf({ kind: 'delay', ms: 50, jitterMs: 5 }, ['west', 'east']);
  const script = faultScript(faults, TERRITORIES, 0);
  assert.match(script, /iifname "delay\*" accept;[\s\S]*meta mark set meta mark \| 0x10000 notrack;/);
  const [east, west] = [TERRITORIES[1], TERRITORIES[0]];
  assert.deepEqual(delayedPairs(faults, TERRITORIES), [{ between: [east?.cidrs, west?.cidrs], ms: 50, jitterMs: 5 }]);
});

test('without faults the table goes', () => {
  assert.equal(faultScript([], TERRITORIES, 0), 'add table ip lab-faults\ndelete table ip lab-faults\n');
});
