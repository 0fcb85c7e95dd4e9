import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_POLICIES, parseDefaultPolicy, requireIdentity } from './index.ts';

test('knows the six default policies and no other', () => {
  assert.equal(Object.keys(DEFAULT_POLICIES).length, 6);
  assert.equal(parseDefaultPolicy('audit'), 'audit');
  for (const bad of [undefined, '', 'allow', 'toString', 'All-Authenticated'])
    assert.equal(parseDefaultPolicy(bad), undefined);
});

test('a port that requires identity asks for it wherever the policy allows', () => {
  assert.equal(requireIdentity('all-unauthenticated'), 'all-authenticated');
  assert.equal(requireIdentity('cluster-unauthenticated'), 'cluster-authenticated');
  assert.equal(requireIdentity('deny'), 'deny');
});
