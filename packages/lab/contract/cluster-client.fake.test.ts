import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeObject } from '#api/kube';
import { FakeCluster } from './cluster-client.fake.ts';
import { hasCause, hasReason } from './index.ts';

const pods = { group: '', version: 'v1', resource: 'pods' };
const namespaces = { group: '', version: 'v1', resource: 'namespaces' };
const turn = () => new Promise((done) => setImmediate(done));

async function cluster(): Promise<FakeCluster> {
  const fake = new FakeCluster();
  await fake.create(namespaces, { metadata: { name: 'default' } });
  return fake;
}
const pod = (name: string, more: object = {}): KubeObject => ({ metadata: { name, namespace: 'default', ...more } });

test('a watch delivers the full set first and then changes in order', async () => {
  const fake = await cluster();
  await fake.create(pods, pod('a'));
  const seen: string[] = [];
  const stop = fake.watch(
    pods,
    {},
    {
      reset: (objects) => void seen.push(`reset ${objects.map((each) => each.metadata.name).join()}`),
      applied: (object, old) => void seen.push(`${old ? 'changed' : 'added'} ${object.metadata.name}`),
      deleted: (object) => void seen.push(`deleted ${object.metadata.name}`),
    },
  );
  await fake.create(pods, pod('b'));
  await fake.patch(
    pods,
    { name: 'b', namespace: 'default' },
    { type: 'merge', body: { metadata: { labels: { x: 'y' } } } },
  );
  await fake.delete(pods, { name: 'a', namespace: 'default' });
  await turn();
  stop();
  assert.deepEqual(seen, ['reset a', 'added b', 'changed b', 'deleted a']);
});

test('an object that leaves a selector is told as deleted', async () => {
  const fake = await cluster();
  await fake.create(pods, pod('a', { labels: { app: 'x' } }));
  const seen: string[] = [];
  fake.watch(
    pods,
    { labelSelector: 'app=x' },
    {
      reset: (objects) => void seen.push(`reset ${objects.length}`),
      applied: () => void seen.push('applied'),
      deleted: () => void seen.push('deleted'),
    },
  );
  await fake.patch(
    pods,
    { name: 'a', namespace: 'default' },
    { type: 'merge', body: { metadata: { labels: { app: 'z' } } } },
  );
  await turn();
  assert.deepEqual(seen, ['reset 1', 'deleted']);
});

test('refuses an update of an old revision', async () => {
  const fake = await cluster();
  const old = await fake.create(pods, pod('a'));
  await fake.update(pods, { ...old, metadata: { ...old.metadata, labels: { a: 'b' } } });
  await assert.rejects(fake.update(pods, { ...old }), (error) => hasReason(error, 'Conflict'));
});

test('an object with finalizers goes when the last one does', async () => {
  const fake = await cluster();
  await fake.create(pods, pod('a', { finalizers: ['x/y'] }));
  await fake.delete(pods, { name: 'a', namespace: 'default' });
  const held = await fake.get(pods, 'a', 'default');
  assert.ok(held.metadata.deletionTimestamp);
  await fake.patch(
    pods,
    { name: 'a', namespace: 'default' },
    { type: 'merge', body: { metadata: { finalizers: null } } },
  );
  await assert.rejects(fake.get(pods, 'a', 'default'), (error) => hasReason(error, 'NotFound'));
});

test('refuses to create in a namespace that is being deleted', async () => {
  const fake = await cluster();
  await fake.delete(namespaces, { name: 'default' });
  await assert.rejects(fake.create(pods, pod('a')), (error) => hasCause(error, 'NamespaceTerminating'));
});

test('a write without a change keeps the revision and tells nobody', async () => {
  const fake = await cluster();
  const first = await fake.create(pods, pod('a', { labels: { a: 'b' } }));
  const second = await fake.patch(
    pods,
    { name: 'a', namespace: 'default' },
    { type: 'merge', body: { metadata: { labels: { a: 'b' } } } },
  );
  assert.equal(second.metadata.resourceVersion, first.metadata.resourceVersion);
});
