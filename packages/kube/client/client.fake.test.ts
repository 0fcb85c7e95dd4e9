import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AnyObject } from '#api/kube';
import { FakeKubeClient } from './client.fake.ts';
import { matchesLabelSelector, matchesLabels } from './selectors.ts';

const SERVICES = { group: '', version: 'v1', resource: 'services' };
const service = (name: string, more: object = {}): AnyObject => ({ metadata: { name, namespace: 'a' }, ...more });

test('writes are seen by watches in order, filtered by selector', async () => {
  const fake = new FakeKubeClient();
  const log: string[] = [];
  fake.watch<AnyObject>(
    SERVICES,
    { labelSelector: 'x=1' },
    {
      reset: (items) => void log.push(`reset ${items.length}`),
      applied: (item) => void log.push(`applied ${item.metadata.name}`),
      deleted: (item) => void log.push(`deleted ${item.metadata.name}`),
    },
  );
  await Promise.resolve();
  await fake.create(SERVICES, service('other'));
  const ref = { name: 'one', namespace: 'a' };
  await fake.create(SERVICES, { ...service('one'), metadata: { ...ref, labels: { x: '1' } } });
  await fake.patch(SERVICES, ref, { type: 'merge', body: { spec: { port: 1 } } });
  await fake.patch(SERVICES, ref, { type: 'merge', body: { metadata: { labels: { x: null } } } });
  assert.deepEqual(log, ['reset 0', 'applied one', 'applied one', 'deleted one']);
});

test('a stale update conflicts, a second create exists already, a missing object is not found', async () => {
  const fake = new FakeKubeClient();
  const created = await fake.create(SERVICES, service('one'));
  await fake.update(SERVICES, { ...created, spec: { a: 1 } });
  await assert.rejects(fake.update(SERVICES, { ...created, spec: { a: 2 } }), { reason: 'Conflict' });
  await assert.rejects(fake.create(SERVICES, service('one')), { reason: 'AlreadyExists' });
  await assert.rejects(fake.get(SERVICES, 'two', 'a'), { code: 404, message: 'services "two" not found' });
});

test('status and spec are written apart, and an unchanged write keeps the version', async () => {
  const fake = new FakeKubeClient();
  const created = await fake.create(SERVICES, service('one', { spec: { a: 1 } }));
  const ref = { name: 'one', namespace: 'a' };
  const body = { spec: { a: 9 }, status: { ok: true } };
  const next = await fake.patch<AnyObject>(SERVICES, ref, { type: 'merge', body, subresource: 'status' });
  assert.deepEqual([next['spec'], next['status']], [{ a: 1 }, { ok: true }]);
  assert.notEqual(next.metadata.resourceVersion, created.metadata.resourceVersion);
  const same = await fake.patch(SERVICES, ref, { type: 'merge', body, subresource: 'status' });
  assert.equal(same.metadata.resourceVersion, next.metadata.resourceVersion);
  assert.deepEqual(fake.actions.at(-1), { verb: 'patch', resource: 'services/status', name: 'a/one' });
});

test('a finalizer holds a deleted object until it is dropped', async () => {
  const fake = new FakeKubeClient();
  const ref = { name: 'one', namespace: 'a' };
  await fake.create(SERVICES, { metadata: { ...ref, finalizers: ['x/y'] } });
  await fake.delete(SERVICES, ref);
  assert.ok((await fake.get(SERVICES, 'one', 'a')).metadata.deletionTimestamp);
  await fake.patch(SERVICES, ref, { type: 'merge', body: { metadata: { finalizers: null } } });
  await assert.rejects(fake.get(SERVICES, 'one', 'a'), { code: 404 });
});

test('label selectors as kubectl writes them', () => {
  const labels = { app: 'web', tier: 'front' };
  for (const selector of [
    'app=web',
    'app==web,tier!=back',
    'app in (web, api)',
    'app notin (api),tier',
    '!gone',
    'gone!=x',
  ])
    assert.ok(matchesLabels(selector, labels), selector);
  for (const selector of ['app=api', 'gone', '!app', 'app notin (web)', 'gone in (x)'])
    assert.ok(!matchesLabels(selector, labels), selector);
  assert.ok(matchesLabelSelector({}, labels));
  assert.ok(!matchesLabelSelector({ matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['web'] }] }, labels));
});
