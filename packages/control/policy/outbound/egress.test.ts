import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeObject } from '#api/kube';
import { parseNetworks } from '../networks.ts';
import { EgressNetworks } from './egress.ts';

const OUTSIDE = '203.0.113.5';

const object = (namespace: string, spec: object, generation = 1): KubeObject =>
  ({ metadata: { namespace, name: 'out', generation }, spec }) as KubeObject;

/** A fold fed by hand. */
function feed() {
  const problems: string[] = [];
  const egress = new EgressNetworks(
    { clusterNetworks: parseNetworks('10.0.0.0/8') ?? [], globalNamespace: 'linkerd-egress' },
    (resource, key, problem) => problems.push(`${resource} ${key}: ${problem}`),
    () => {},
  );
  const sink = egress.watched[0]!.collection.sink(
    () => {},
    () => {},
    () => {},
  );
  return { egress, problems, sink };
}

test('a network that cannot be read means nothing, and the expected and seen value are told', () => {
  const { egress, problems, sink } = feed();
  const bad: [object, string][] = [
    [{ trafficPolicy: 'Maybe' }, 'trafficPolicy: expected Allow or Deny, got "Maybe"'],
    [{ trafficPolicy: 'Deny', networks: [] }, 'networks: at least one network must be specified'],
    [{ trafficPolicy: 'Deny', networks: [{}] }, 'cidr: expected a network or an IP address, got "undefined"'],
    [
      { trafficPolicy: 'Deny', networks: [{ cidr: '0.0.0.0/0', except: ['x'] }] },
      'except: expected a network or an IP address, got "x"',
    ],
    [{ trafficPolicy: 'Deny', networks: 'all' }, 'networks: expected a list'],
  ];
  sink.applied(object('linkerd-egress', { trafficPolicy: 'Deny' }));
  for (const [spec, problem] of bad) {
    sink.applied(object('shop', spec));
    assert.equal(problems.pop(), `egressnetworks shop/out: ${problem}`);
    const record = egress.get('shop/out');
    assert.deepEqual(record?.problem, { message: problem, lastGood: false });
    assert.equal(record && egress.accepts(record), false);
    assert.equal(egress.at(OUTSIDE, 'shop')?.namespace, 'linkerd-egress', 'it takes nothing from the global ones');
  }
});

test('a network that turns unreadable goes on meaning what it meant', () => {
  const { egress, sink } = feed();
  sink.applied(object('shop', { trafficPolicy: 'Deny', networks: [{ cidr: '203.0.113.0/24' }] }));
  for (const generation of [2, 3]) sink.applied(object('shop', { trafficPolicy: '' }, generation));
  const found = egress.at(OUTSIDE, 'shop');
  assert.deepEqual([found?.allow, found?.generation, found?.problem?.lastGood], [false, 3, true]);
  sink.applied(object('shop', { trafficPolicy: 'Allow' }, 4));
  assert.deepEqual([egress.at('198.51.100.1', 'shop')?.allow, egress.get('shop/out')?.problem], [true, undefined]);
});
