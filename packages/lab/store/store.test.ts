import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import type { AnyObject } from '#api/kube';
import {
  CompactedError,
  FutureRevisionError,
  KeyExistsError,
  memoryLog,
  RevisionConflictError,
  Store,
  type StoreEvent,
  sqliteLog,
} from './index.ts';

const object = (name: string, namespace?: string, value = 0): AnyObject => ({
  metadata: { name, ...(namespace && { namespace }) },
  value,
});
const names = (stored: readonly { object: AnyObject }[]) =>
  stored.map(({ object: { metadata } }) => `${metadata.namespace ?? ''}/${metadata.name}`);
const settled = () => new Promise((resolve) => setImmediate(resolve));

test('every write is one revision, and objects come out frozen with theirs', () => {
  const store = new Store(memoryLog());
  const made = store.create('/pods', { name: 'a', namespace: 'n' }, object('a', 'n'));
  assert.equal(made.object.metadata.resourceVersion, '2');
  assert.equal(store.revision, 2);
  assert.ok(Object.isFrozen(made.object.metadata));
  assert.equal(JSON.parse(made.json).metadata.resourceVersion, '2');
  assert.throws(() => store.create('/pods', { name: 'a', namespace: 'n' }, object('a', 'n')), KeyExistsError);
});

test('a write from an old revision is refused and tells the present state', () => {
  const store = new Store(memoryLog());
  const key = { name: 'a' };
  const made = store.create('/nodes', key, object('a'));
  const changed = store.update('/nodes', key, object('a', undefined, 1), made.revision);
  for (const write of [
    () => store.update('/nodes', key, object('a', undefined, 2), made.revision),
    () => store.delete('/nodes', key, made.revision),
  ])
    assert.throws(write, (error) => error instanceof RevisionConflictError && error.current === changed);
  store.delete('/nodes', key, changed.revision);
  assert.equal(store.get('/nodes', key), undefined);
});

test('lists are ordered by namespace, then name', () => {
  const store = new Store(memoryLog());
  for (const [namespace, name] of [
    ['b', 'a'],
    ['a-b', 'z'],
    ['a', 'z'],
    ['a', 'b'],
  ] as const)
    store.create('/pods', { namespace, name }, object(name, namespace));
  assert.deepEqual(names(store.list('/pods')), ['a/b', 'a/z', 'a-b/z', 'b/a']);
  assert.deepEqual(names(store.list('/pods', 'a')), ['a/b', 'a/z']);
});

test('a watch gets held events at once and later ones in order, of its resource only', async () => {
  const store = new Store(memoryLog());
  store.create('/pods', { name: 'a' }, object('a'));
  const from = store.revision;
  store.create('/pods', { name: 'b' }, object('b'));
  await settled();
  const seen: string[] = [];
  const stop = store.watch('/pods', from, ({ type, key, previous }) =>
    seen.push(`${type} ${key} ${previous ? 'was' : 'new'}`),
  );
  assert.deepEqual(seen, ['ADDED /b new']);
  store.create('/nodes', { name: 'n' }, object('n'));
  const b = store.get('/pods', { name: 'b' })!;
  const changed = store.update('/pods', { name: 'b' }, object('b', undefined, 1), b.revision);
  const gone = store.delete('/pods', { name: 'b' }, changed.revision);
  assert.equal(gone.object.metadata.resourceVersion, String(store.revision));
  assert.equal(seen.length, 1);
  await settled();
  assert.deepEqual(seen.slice(1), ['MODIFIED /b was', 'DELETED /b was']);
  stop();
  store.create('/pods', { name: 'c' }, object('c'));
  await settled();
  assert.equal(seen.length, 3);
});

test('a watch that starts between a write and its delivery sees it once', async () => {
  const store = new Store(memoryLog());
  const from = store.revision;
  store.create('/pods', { name: 'a' }, object('a'));
  const seen: number[] = [];
  store.watch('/pods', from, ({ revision }) => seen.push(revision));
  store.watch('/pods', store.revision, () => assert.fail('it is not after this revision'));
  await settled();
  assert.deepEqual(seen, [2]);
});

test('revisions beyond the ring are forgotten, future ones unknown', () => {
  const store = new Store(memoryLog(), 4);
  for (let at = 0; at < 10; at++) store.create('/pods', { name: `p${at}` }, object(`p${at}`));
  assert.throws(() => store.watch('/pods', 3, () => undefined), CompactedError);
  assert.throws(() => store.listAt('/pods', undefined, 3), CompactedError);
  assert.throws(() => store.watch('/pods', 99, () => undefined), FutureRevisionError);
  store.watch('/pods', store.revision - 4, () => undefined)();
});

test('a list at a past revision shows what stood there, whatever happened since', () => {
  const write = fc.record({ name: fc.constantFrom('a', 'b', 'c'), remove: fc.boolean() });
  fc.assert(
    fc.property(fc.array(write, { maxLength: 30 }), (writes) => {
      const store = new Store(memoryLog());
      const history = new Map<number, string[]>([[store.revision, []]]);
      const shape = (list: readonly { object: AnyObject }[]) =>
        list.map(({ object: { metadata } }) => `${metadata.name}@${metadata.resourceVersion}`);
      for (const { name, remove } of writes) {
        const present = store.get('/x', { name });
        if (!present) store.create('/x', { name }, object(name));
        else if (remove) store.delete('/x', { name }, present.revision);
        else store.update('/x', { name }, object(name, undefined, store.revision), present.revision);
        history.set(store.revision, shape(store.list('/x')));
      }
      for (const [revision, expected] of history)
        assert.deepEqual(shape(store.listAt('/x', undefined, revision)), expected);
    }),
  );
});

test('a restart keeps objects, revisions, recent events and notes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-store-'));
  try {
    const path = join(folder, 'state.db');
    const first = new Store(sqliteLog(path));
    const a = first.create('/pods', { name: 'a' }, object('a'));
    first.create('/pods', { name: 'b' }, object('b'));
    first.delete('/pods', { name: 'a' }, a.revision);
    first.writeNote('keys', 'secret');
    const revision = first.revision;
    first.close();
    const second = new Store(sqliteLog(path));
    assert.equal(second.revision, revision);
    assert.deepEqual(names(second.list('/pods')), ['/b']);
    assert.equal(second.readNote('keys'), 'secret');
    const seen: StoreEvent['type'][] = [];
    second.watch('/pods', a.revision, ({ type }) => seen.push(type));
    assert.deepEqual(seen, ['ADDED', 'DELETED']);
    assert.equal(second.create('/pods', { name: 'c' }, object('c')).revision, revision + 1);
    second.close();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('compaction keeps the live objects and the counter', () => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-store-'));
  try {
    const path = join(folder, 'state.db');
    const first = new Store(sqliteLog(path), 10);
    first.create('/pods', { name: 'old' }, object('old'));
    for (let at = 0; at < 2_100; at++) {
      const present = first.get('/pods', { name: 'busy' });
      if (present) first.update('/pods', { name: 'busy' }, object('busy', undefined, at), present.revision);
      else first.create('/pods', { name: 'busy' }, object('busy'));
    }
    const { revision } = first;
    first.close();
    const log = sqliteLog(path);
    assert.ok([...log.load().entries].length < 200);
    const second = new Store(log, 10);
    assert.equal(second.revision, revision);
    assert.deepEqual(names(second.list('/pods')), ['/busy', '/old']);
    assert.throws(() => second.watch('/pods', 5, () => undefined), CompactedError);
    second.close();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
