import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ENDPOINT_ANNOTATIONS } from './index.ts';

const { weight, priority, zoneWeights, clusterOrder, clusterMinHealthy, clusterReturnAfter, staleClusters } =
  ENDPOINT_ANNOTATIONS;

test('weights are factors from 0 to 100', () => {
  for (const [text, factor] of [
    ['0', 0],
    ['1', 1],
    ['0.25', 0.25],
    ['.5', 0.5],
    ['100', 100],
  ] as const)
    assert.equal(weight.parse(text), factor);
  for (const bad of ['', '-1', '101', 'x', '1e2', '0x1', 'NaN', '1,5', '0.1234567'])
    assert.equal(weight.parse(bad), undefined);
});

test('priorities are small whole numbers', () => {
  assert.equal(priority.parse('0'), 0);
  assert.equal(priority.parse('15'), 15);
  for (const bad of ['', '16', '-1', '1.5', 'a']) assert.equal(priority.parse(bad), undefined);
});

test('zones have factors, each once', () => {
  assert.deepEqual(
    [...(zoneWeights.parse('a=1, b=0.5') ?? [])],
    [
      ['a', 1],
      ['b', 0.5],
    ],
  );
  for (const bad of ['', 'a', 'a=', '=1', 'a=1,', 'a=1,a=2', 'a=1=2', 'a=x'])
    assert.equal(zoneWeights.parse(bad), undefined);
  assert.equal(zoneWeights.parse(Array.from({ length: 65 }, (_, i) => `z${i}=1`).join()), undefined);
});

test('an order of clusters names each once; some may be equal', () => {
  assert.deepEqual(clusterOrder.parse('local, east+west,north'), [['local'], ['east', 'west'], ['north']]);
  for (const bad of ['', 'local,', 'a,,b', 'a+', 'a,b+a', 'a b', '-a', 'a@b'])
    assert.equal(clusterOrder.parse(bad), undefined, bad);
  assert.equal(clusterOrder.parse(Array.from({ length: 15 }, (_, i) => `c${i}`).join()), undefined);
});

test('shares, durations and words of federated services', () => {
  assert.equal(clusterMinHealthy.parse('70%'), 0.7);
  assert.equal(clusterMinHealthy.parse('0'), 0);
  for (const bad of ['', '101', '-1', '0.7', 'half']) assert.equal(clusterMinHealthy.parse(bad), undefined);
  assert.equal(clusterReturnAfter.parse('1m30s'), 90_000);
  for (const bad of ['', '30', '-1s', '2h']) assert.equal(clusterReturnAfter.parse(bad), undefined);
  assert.equal(staleClusters.parse('drop'), 'drop');
  assert.equal(staleClusters.parse('Drop'), undefined);
});
