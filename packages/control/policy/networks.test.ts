import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { contains, includes, parseNetwork, parseNetworks } from './networks.ts';

const network = (text: string) => parseNetwork(text) ?? assert.fail(`${text} is a network`);

test('reads networks and bare addresses, and nothing else', () => {
  assert.equal(network('10.1.2.3').prefix, 32);
  assert.equal(network('fd00::/8').ipv6, true);
  for (const bad of ['', '10.0.0.0/33', '10.0.0.0/-1', '10.0.0/8', 'fd00::/129', '10.0.0.0/8/8', 'x/8', '10.0.0.0/a'])
    assert.equal(parseNetwork(bad), undefined, bad);
  assert.equal(parseNetworks('10.0.0.0/8, ::/0')?.length, 2);
  assert.equal(parseNetworks('10.0.0.0/8,x'), undefined);
});

test('a network contains what lies in it, whatever bits follow the prefix', () => {
  assert.ok(contains(network('10.9.9.9/8'), network('10.0.0.0/16')));
  assert.ok(contains(network('10.0.0.0/8'), network('10.0.0.0/8')));
  assert.ok(!contains(network('10.0.0.0/16'), network('10.0.0.0/8')));
  assert.ok(!contains(network('10.0.0.0/8'), network('11.0.0.1')));
  assert.ok(!contains(network('0.0.0.0/0'), network('::1')));
  assert.ok(includes([network('fd00::/8'), network('10.0.0.0/8')], 'fdff::1'));
  assert.ok(!includes([network('10.0.0.0/8')], 'not an address'));
});

test('an address is in every network made from it', () => {
  fc.assert(
    fc.property(fc.ipV4(), fc.integer({ min: 0, max: 32 }), (ip, prefix) => includes([network(`${ip}/${prefix}`)], ip)),
  );
  fc.assert(
    fc.property(fc.ipV6(), fc.integer({ min: 0, max: 128 }), (ip, prefix) =>
      includes([network(`${ip}/${prefix}`)], ip),
    ),
  );
});
