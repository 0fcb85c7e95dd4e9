import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type KubeObject, PODS } from '#api/kube';
import { Cache, type Change } from './cache.ts';

function cache() {
  const changes: string[] = [];
  const describe = ({ old, now }: Change): string =>
    `${old?.metadata.resourceVersion ?? '-'}>${now?.metadata.resourceVersion ?? '-'}`;
  const it = new Cache<KubeObject>(PODS, (change) => changes.push(describe(change)));
  it.reset([]);
  return { changes, cache: it };
}
const pod = (revision: number, more: object = {}): KubeObject => ({
  metadata: { name: 'a', namespace: 'n', uid: 'u1', resourceVersion: String(revision), ...more },
});

test('the answer to our own write shows at once, and its echo by the watch changes nothing', () => {
  const { cache: it, changes } = cache();
  it.learn(pod(5));
  it.applied(pod(5));
  it.applied(pod(4));
  assert.equal(it.get('a', 'n')?.metadata.resourceVersion, '5');
  assert.deepEqual(changes, ['->5']);
});

test('a late answer does not revive an object that the watch saw go', () => {
  const { cache: it } = cache();
  it.applied(pod(5));
  it.deleted(pod(6));
  it.learn(pod(5));
  assert.equal(it.get('a', 'n'), undefined);
});

test('after our own delete the object counts as being deleted until the watch says more', () => {
  const { cache: it } = cache();
  it.applied(pod(5));
  it.learnDeleted('a', 'n', '2026-01-01T00:00:00Z');
  assert.ok(it.get('a', 'n')?.metadata.deletionTimestamp);
  it.applied(pod(6, { finalizers: ['x'] }));
  assert.equal(it.get('a', 'n')?.metadata.deletionTimestamp, undefined);
});

test('a new object of an old name replaces it', () => {
  const { cache: it, changes } = cache();
  it.applied(pod(5));
  it.applied(pod(7, { uid: 'u2' }));
  it.deleted(pod(6));
  assert.equal(it.get('a', 'n')?.metadata.uid, 'u2');
  assert.deepEqual(changes, ['->5', '5>-', '->7']);
});

test('objects are found by owner until the reference or the object goes', () => {
  const { cache: it } = cache();
  const ownerReferences = [{ apiVersion: 'v1', kind: 'X', name: 'x', uid: 'o' }];
  it.applied(pod(5, { ownerReferences }));
  assert.equal(it.ownedBy('o').length, 1);
  it.applied(pod(6));
  assert.equal(it.ownedBy('o').length, 0);
});

test('a new full list drops what is missing in it', () => {
  const { cache: it } = cache();
  it.applied(pod(5));
  it.reset([]);
  assert.deepEqual(it.list(), []);
});

test('changes told before the first full list count after it', () => {
  const it = new Cache<KubeObject>(PODS, () => {});
  it.applied(pod(5));
  assert.deepEqual(it.list(), []);
  it.reset([]);
  assert.equal(it.list().length, 1);
});
