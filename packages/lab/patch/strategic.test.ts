import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { applyMergePatch, applyStrategicMergePatch, PatchError } from './index.ts';
import { DEPLOYMENT } from './schema.fake.ts';

const pod = (spec: unknown) => ({ spec: { template: { spec } } });
const merged = (original: unknown, patch: unknown) => applyStrategicMergePatch(pod(original), pod(patch), DEPLOYMENT);

test('merges lists by key and keeps what the patch does not name', () => {
  assert.deepEqual(
    merged(
      {
        containers: [
          { name: 'app', image: 'a:1', env: [{ name: 'X', value: '1' }] },
          { name: 'proxy', image: 'p' },
        ],
      },
      { containers: [{ name: 'app', image: 'a:2', env: [{ name: 'Y', value: '2' }] }] },
    ),
    pod({
      containers: [
        {
          name: 'app',
          image: 'a:2',
          env: [
            { name: 'Y', value: '2' },
            { name: 'X', value: '1' },
          ],
        },
        { name: 'proxy', image: 'p' },
      ],
    }),
  );
});

test('replaces lists that have no merge key', () => {
  assert.deepEqual(
    merged({ tolerations: [{ key: 'a' }, { key: 'b' }] }, { tolerations: [{ key: 'c' }] }),
    pod({ tolerations: [{ key: 'c' }] }),
  );
});

test('deletes a list item by $patch: delete and a list by $patch: replace', () => {
  const original = { containers: [{ name: 'app' }, { name: 'proxy' }] };
  assert.deepEqual(
    merged(original, { containers: [{ name: 'proxy', $patch: 'delete' }] }),
    pod({ containers: [{ name: 'app' }] }),
  );
  assert.deepEqual(
    merged(original, { containers: [{ name: 'new' }, { $patch: 'replace' }] }),
    pod({ containers: [{ name: 'new' }] }),
  );
});

test('replaces and empties maps by directive', () => {
  const original = { spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } } };
  assert.deepEqual(
    applyStrategicMergePatch(original, { spec: { strategy: { $patch: 'replace', type: 'Recreate' } } }, DEPLOYMENT),
    { spec: { strategy: { type: 'Recreate' } } },
  );
  assert.deepEqual(applyStrategicMergePatch(original, { spec: { strategy: { $patch: 'delete' } } }, DEPLOYMENT), {
    spec: { strategy: {} },
  });
});

test('$retainKeys drops the other keys and refuses to contradict itself', () => {
  const original = { spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } } };
  assert.deepEqual(
    applyStrategicMergePatch(original, { spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' } } }, DEPLOYMENT),
    { spec: { strategy: { type: 'Recreate' } } },
  );
  assert.throws(
    () =>
      applyStrategicMergePatch(original, { spec: { strategy: { $retainKeys: ['x'], type: 'Recreate' } } }, DEPLOYMENT),
    (error) => error instanceof PatchError && error.status.code === 400,
  );
});

test('retainKeys changes the kind of a volume', () => {
  assert.deepEqual(
    merged(
      { volumes: [{ name: 'v', emptyDir: {} }] },
      { volumes: [{ name: 'v', $retainKeys: ['name', 'hostPath'], hostPath: { path: '/x' } }] },
    ),
    pod({ volumes: [{ name: 'v', hostPath: { path: '/x' } }] }),
  );
});

test('$setElementOrder decides the order, server items keep their place', () => {
  assert.deepEqual(
    merged(
      { containers: [{ name: 'injected' }, { name: 'a' }, { name: 'b' }] },
      { '$setElementOrder/containers': [{ name: 'b' }, { name: 'a' }, { name: 'c' }], containers: [{ name: 'c' }] },
    ),
    pod({ containers: [{ name: 'injected' }, { name: 'b' }, { name: 'a' }, { name: 'c' }] }),
  );
});

test('$setElementOrder alone reorders', () => {
  assert.deepEqual(
    merged(
      { containers: [{ name: 'a' }, { name: 'b' }] },
      { '$setElementOrder/containers': [{ name: 'b' }, { name: 'a' }] },
    ),
    pod({ containers: [{ name: 'b' }, { name: 'a' }] }),
  );
});

test('a list may be deleted beside its $setElementOrder', () => {
  assert.deepEqual(
    merged({ containers: [{ name: 'a' }] }, { '$setElementOrder/containers': [{ name: 'a' }], containers: null }),
    pod({}),
  );
});

test('refuses a patch whose order contradicts its $setElementOrder', () => {
  assert.throws(
    () =>
      merged(
        { containers: [] },
        { '$setElementOrder/containers': [{ name: 'a' }, { name: 'b' }], containers: [{ name: 'b' }, { name: 'a' }] },
      ),
    /doesn't match \$setElementOrder list/,
  );
});

test('merges and deletes primitives', () => {
  const original = { metadata: { finalizers: ['a', 'b'] } };
  assert.deepEqual(applyStrategicMergePatch(original, { metadata: { finalizers: ['c', 'b'] } }, DEPLOYMENT), {
    metadata: { finalizers: ['c', 'a', 'b'] },
  });
  assert.deepEqual(
    applyStrategicMergePatch(original, { metadata: { '$deleteFromPrimitiveList/finalizers': ['a'] } }, DEPLOYMENT),
    { metadata: { finalizers: ['b'] } },
  );
});

test('null deletes, and a null or a directive on something new leaves no trace', () => {
  assert.deepEqual(
    applyStrategicMergePatch(
      { spec: { replicas: 1 } },
      { spec: { replicas: null, paused: null, strategy: { type: null, rollingUpdate: { $patch: 'delete' } } } },
      DEPLOYMENT,
    ),
    { spec: { strategy: {} } },
  );
});

test('names the item that lacks its merge key', () => {
  assert.throws(
    () => merged({ containers: [{ name: 'a' }] }, { containers: [{ image: 'x' }] }),
    /does not contain declared merge key: name/,
  );
});

const containers = fc.uniqueArray(
  fc.record(
    {
      name: fc.constantFrom('a', 'b', 'c', 'd'),
      image: fc.constantFrom('x', 'y'),
      args: fc.array(fc.constantFrom('1', '2')),
    },
    { requiredKeys: ['name'], noNullPrototype: true },
  ),
  { selector: (item) => item.name },
);

test('applying a strategic patch twice is the same as once, and its input stays', () => {
  fc.assert(
    fc.property(containers, containers, (before, change) => {
      const original = pod({ containers: before });
      const snapshot = structuredClone(original);
      const once = applyStrategicMergePatch(original, pod({ containers: change }), DEPLOYMENT);
      assert.deepEqual(applyStrategicMergePatch(once, pod({ containers: change }), DEPLOYMENT), once);
      assert.deepEqual(original, snapshot);
    }),
  );
});

test('a merge patch removes by null, merges maps and replaces lists', () => {
  assert.deepEqual(applyMergePatch({ a: { b: 1, c: [1] }, d: 2 }, { a: { b: null, c: [2], e: { f: null } } }), {
    a: { c: [2], e: {} },
    d: 2,
  });
  assert.throws(() => applyMergePatch({}, [1]), PatchError);
});
