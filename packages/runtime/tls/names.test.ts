import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sanNames } from './index.ts';

test('finds DNS and URI names in order, and nothing else', () => {
  assert.deepEqual(sanNames('DNS:a.b, IP Address:10.0.0.1, URI:spiffe://x/y, email:a@b'), ['a.b', 'spiffe://x/y']);
  assert.deepEqual(sanNames(undefined), []);
});

test('a quoted name cannot smuggle in another one', () => {
  assert.deepEqual(sanNames('DNS:"evil,DNS:a.b", DNS:c.d'), ['evil,DNS:a.b', 'c.d']);
});

test('a name that could break a header line is no name', () => {
  assert.deepEqual(sanNames('DNS:"a\\r\\nx: y", DNS:c.d'), ['c.d']);
});
