import assert from 'node:assert/strict';
import { isIPv4 } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { networksFinding, overlaps, uniteNetworks } from './index.ts';

test('networks of nodes unite into the fewest that hold the same addresses', () => {
  const cases: [string[], string[]][] = [
    [
      ['10.1.1.0/24', '10.1.0.0/24', '10.1.3.0/24'],
      ['10.1.0.0/23', '10.1.3.0/24'],
    ],
    [
      ['10.1.1.0/24', '10.1.2.0/24'],
      ['10.1.1.0/24', '10.1.2.0/24'],
    ],
    [['10.0.0.0/8', '10.1.0.0/16', '10.255.255.255'], ['10.0.0.0/8']],
    [
      ['fd00:0:0:1::/64', 'fd00::/64', '1.2.3.4'],
      ['1.2.3.4/32', 'fd00::/63'],
    ],
    [
      ['0.0.0.0/1', '128.0.0.0/1', '::/1', '8000::/1'],
      ['0.0.0.0/0', '::/0'],
    ],
    [['', 'x', '10.0.0.0/33', '10.0.0.0/-1', '10.0.0/8'], []],
  ];
  for (const [given, wanted] of cases) assert.deepEqual(uniteNetworks(given), wanted, given.join());
});

test('uniting is the same whatever the order, and again changes nothing', () => {
  const cidr = fc.tuple(fc.ipV4(), fc.integer({ min: 4, max: 32 })).map(([ip, prefix]) => `${ip}/${prefix}`);
  fc.assert(
    fc.property(fc.array(cidr, { maxLength: 12 }), (list) => {
      const united = uniteNetworks(list);
      assert.deepEqual(uniteNetworks([...list].reverse()), united);
      assert.deepEqual(uniteNetworks(united), united);
      for (const each of list) assert.ok(overlaps([each], united).length > 0, each);
      for (const each of united) assert.ok(isIPv4(each.split('/')[0] ?? ''));
    }),
  );
});

test('overlaps are found wherever they are, in both families', () => {
  const cases: [string[], string[], string[]][] = [
    [
      ['10.0.0.0/8'],
      ['10.1.0.0/16', '10.3.0.0/16', '11.0.0.0/8'],
      ['10.0.0.0/8 10.1.0.0/16', '10.0.0.0/8 10.3.0.0/16'],
    ],
    [['10.1.0.0/16', 'fd00::/64'], ['10.2.0.0/16', 'fd00::/16'], ['fd00::/64 fd00::/16']],
    [['fd00::/64'], ['10.0.0.0/8', 'fd00:0:0:1::/64'], []],
    [['10.0.0.0/24', '10.0.2.0/24', '10.0.4.0/24'], ['10.0.4.7'], ['10.0.4.0/24 10.0.4.7/32']],
    [[], ['10.0.0.0/8'], []],
  ];
  for (const [a, b, wanted] of cases) {
    assert.deepEqual(
      overlaps(a, b).map((pair) => pair.join(' ')),
      wanted,
    );
    assert.deepEqual(
      overlaps(b, a).map(([two, one]) => `${one} ${two}`),
      wanted,
    );
  }
});

test('a cluster whose pods have addresses of another, or of this one, is told with both', () => {
  const finding = networksFinding(
    'east',
    ['10.1.0.0/16'],
    [
      { networks: ['10.1.128.0/17'] },
      { cluster: 'north', networks: ['10.0.0.0/15', 'fd00::/8'] },
      { cluster: 'south', networks: ['10.2.0.0/16'] },
    ],
  );
  assert.deepEqual(finding, {
    status: 'False',
    reason: 'PodNetworksOverlap',
    message:
      '10.1.0.0/16 of east overlaps 10.1.128.0/17 of this cluster; 10.1.0.0/16 of east overlaps 10.0.0.0/15 of north',
  });
});

test('clusters apart are so, and what is not known is said', () => {
  assert.equal(networksFinding('east', ['10.1.0.0/16'], [{ networks: ['10.2.0.0/16'] }]).status, 'True');
  assert.deepEqual(networksFinding('east', [], [{ networks: ['10.2.0.0/16'] }]), {
    status: 'Unknown',
    reason: 'PodNetworksUnknown',
    message: 'No networks of pods are known of east',
  });
});

test('a message names no more than some of many', () => {
  const many = Array.from({ length: 9 }, (_, at) => `10.1.${2 * at}.0/24`);
  const { message } = networksFinding('east', ['10.0.0.0/8'], [{ networks: many }]);
  assert.match(message, /and 4 more$/);
});
