import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  decodeFieldsV1,
  difference,
  encodeFieldsV1,
  equalSets,
  type FieldSet,
  FieldSetBuilder,
  intersection,
  isEmpty,
  pathsOf,
  printPath,
  recursiveDifference,
  setOfFields,
  union,
} from './field-set.ts';

const element = fc.constantFrom('f:a', 'f:b', 'k:{"name":"x"}', 'v:1', 'i:0');
const set = fc.array(fc.array(element, { minLength: 1, maxLength: 3 }), { maxLength: 6 }).map((paths) => {
  const root = new FieldSetBuilder();
  for (const path of paths) {
    let at = root;
    for (const part of path) at = at.child(part);
    at.member = true;
  }
  return root.build();
});
const same = (a: FieldSet, b: FieldSet) => assert.deepEqual(encodeFieldsV1(a), encodeFieldsV1(b));

test('fieldsV1 survives a round trip', () => {
  fc.assert(fc.property(set, (a) => assert.ok(equalSets(decodeFieldsV1(encodeFieldsV1(a)), a))));
});

test('the algebra of sets holds', () => {
  fc.assert(
    fc.property(set, set, set, (a, b, c) => {
      same(union(a, b), union(b, a));
      same(union(a, union(b, c)), union(union(a, b), c));
      same(union(difference(a, b), intersection(a, b)), a);
      assert.ok(isEmpty(intersection(difference(a, b), b)));
      assert.ok(isEmpty(difference(a, a)));
      assert.ok(isEmpty(recursiveDifference(a, a)));
      assert.equal(
        pathsOf(union(a, b)).length + pathsOf(intersection(a, b)).length,
        pathsOf(a).length + pathsOf(b).length,
      );
    }),
  );
});

test('a recursive difference takes everything below along, a plain one does not', () => {
  const all = setOfFields([['spec'], ['spec', 'a'], ['status']]);
  const spec = setOfFields([['spec']]);
  assert.deepEqual(pathsOf(difference(all, spec)).map(printPath), ['.status', '.spec.a']);
  assert.deepEqual(pathsOf(recursiveDifference(all, spec)).map(printPath), ['.status']);
});

test('reads sets of other writers and prints paths as kubectl shows them', () => {
  const fields = {
    'f:ports': { 'k:{"protocol":"TCP","port":80}': { '.': {}, 'f:name': {} } },
    'f:set': { 'v:"x<y"': {} },
  };
  const decoded = decodeFieldsV1(fields);
  assert.deepEqual(pathsOf(decoded).map(printPath), [
    '.ports[port=80,protocol="TCP"]',
    '.ports[port=80,protocol="TCP"].name',
    '.set[="x<y"]',
  ]);
  assert.deepEqual(Object.keys(encodeFieldsV1(decoded)['f:set'] as object), ['v:"x\\u003cy"']);
});

test('refuses steps of an unknown form', () => {
  for (const step of ['x', 'ab', 'x:1', 'k:1', 'i:x', 'v:{'])
    assert.throws(() => decodeFieldsV1({ [step]: {} }), Error, step);
});
