import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSelector } from './selectors.ts';

test('selectors are read as kubectl writes them', () => {
  assert.deepEqual(parseSelector('a=b,c!=d, e in (f, g),h,!i,x/y==z'), {
    matchLabels: { a: 'b', 'x/y': 'z' },
    matchExpressions: [
      { key: 'c', operator: 'NotIn', values: ['d'] },
      { key: 'e', operator: 'In', values: ['f', 'g'] },
      { key: 'h', operator: 'Exists' },
      { key: 'i', operator: 'DoesNotExist' },
    ],
  });
  for (const bad of ['=a', 'a b', 'in (x)', 'a=b=c']) assert.equal(parseSelector(bad), undefined, bad);
});
