import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointSlice } from '#api/kube';
import { EndpointTally } from './index.ts';

const slice = (
  name: string,
  endpoints: object[],
  more: { service?: string; addressType?: string } = {},
): EndpointSlice => ({
  addressType: more.addressType ?? 'IPv4',
  metadata: { name, namespace: 'shop', labels: { 'kubernetes.io/service-name': more.service ?? 'web' } },
  endpoints: endpoints as EndpointSlice['endpoints'] & object[],
});
const ready = { addresses: ['10.0.0.1'], conditions: { ready: true } };
const waiting = { addresses: ['10.0.0.2'], conditions: { ready: false } };
const leaving = { addresses: ['10.0.0.3'], conditions: { ready: false, terminating: true } };

test('endpoints of all slices are counted, but not those that are on their way out', () => {
  const tally = new EndpointTally();
  tally.reset([slice('a', [ready, waiting, leaving]), slice('b', [{ addresses: ['10.0.0.4'] }])]);
  assert.deepEqual(tally.get('shop/web'), { total: 3, ready: 2 });
  assert.equal(tally.get('shop/other'), undefined);
});

test('a pod with addresses of both families is one', () => {
  const tally = new EndpointTally();
  tally.reset([slice('a', [ready, waiting]), slice('b', [ready, waiting], { addressType: 'IPv6' })]);
  assert.deepEqual(tally.get('shop/web'), { total: 2, ready: 1 });
});

test('a change says whose numbers are others, and nothing when they are not', () => {
  const tally = new EndpointTally();
  assert.equal(tally.apply(slice('a', [ready])), 'shop/web');
  assert.equal(tally.apply(slice('a', [{ ...ready, addresses: ['10.9.9.9'] }])), undefined);
  assert.equal(tally.apply(slice('a', [waiting])), 'shop/web');
  assert.equal(tally.apply(slice('a', [waiting], { service: 'api' })), 'shop/api');
  assert.equal(tally.get('shop/web'), undefined);
  assert.equal(tally.delete(slice('a', [])), 'shop/api');
  assert.equal(tally.delete(slice('a', [])), undefined);
  assert.equal(tally.get('shop/api'), undefined);
});
