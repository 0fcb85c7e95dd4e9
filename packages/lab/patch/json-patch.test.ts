import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { applyJsonPatch, PatchError } from './index.ts';

const causeOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof PatchError);
    return `${error.status.code} ${error.status.details?.causes?.[0]?.message ?? error.message}`;
  }
  return 'no error';
};

test('applies every operation in order and leaves its input alone', () => {
  const document = Object.freeze({ a: [1, 2, 3], b: { c: 'x' } });
  const patched = applyJsonPatch(document, [
    { op: 'test', path: '/b/c', value: 'x' },
    { op: 'add', path: '/a/1', value: 9 },
    { op: 'add', path: '/a/-', value: 4 },
    { op: 'remove', path: '/a/0' },
    { op: 'replace', path: '/b/c', value: null },
    { op: 'copy', from: '/a', path: '/copy' },
    { op: 'move', from: '/b', path: '/moved' },
  ]);
  assert.deepEqual(patched, { a: [9, 2, 3, 4], copy: [9, 2, 3, 4], moved: { c: null } });
  assert.deepEqual(document, { a: [1, 2, 3], b: { c: 'x' } });
});

test('unescapes ~1 and ~0 in paths', () => {
  const patched = applyJsonPatch({ 'a/b': { 'c~d': 1 } }, [{ op: 'replace', path: '/a~1b/c~0d', value: 2 }]);
  assert.deepEqual(patched, { 'a/b': { 'c~d': 2 } });
});

test('treats prototype names as data', () => {
  const patched = applyJsonPatch({}, [{ op: 'add', path: '/__proto__', value: { polluted: true } }]);
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
  assert.deepEqual(Object.keys(patched as object), ['__proto__']);
  assert.match(
    causeOf(() => applyJsonPatch({}, [{ op: 'remove', path: '/constructor' }])),
    /^422 /,
  );
});

test('answers 422 with the cause for an operation that does not apply', () => {
  assert.equal(
    causeOf(() => applyJsonPatch({ a: 1 }, [{ op: 'remove', path: '/b' }])),
    '422 remove operation does not apply: doc is missing key: /b: missing value',
  );
  assert.equal(
    causeOf(() => applyJsonPatch({ a: 1 }, [{ op: 'test', path: '/a', value: 2 }])),
    '422 testing value /a failed: test failed',
  );
  assert.match(
    causeOf(() => applyJsonPatch({}, [{ op: 'add', path: '/a/b', value: 2 }])),
    /^422 .*missing path: "\/a\/b"/,
  );
  assert.match(
    causeOf(() => applyJsonPatch({ a: [] }, [{ op: 'add', path: '/a/3', value: 2 }])),
    /^422 .*index/,
  );
});

test('answers 400 for what is no patch', () => {
  for (const patch of [{}, 'x', [1], [{ op: 'add', path: '/a' }], [{ path: '/a' }], [{ op: 'move', path: '/a' }]])
    assert.match(
      causeOf(() => applyJsonPatch({}, patch)),
      /^400 /,
    );
});

const json = fc.json().map((text): unknown => JSON.parse(text));

test('replacing the whole document gives the new value', () => {
  fc.assert(
    fc.property(json, json, (before, after) => {
      assert.deepEqual(applyJsonPatch(before, [{ op: 'replace', path: '', value: after }]), after);
    }),
  );
});
