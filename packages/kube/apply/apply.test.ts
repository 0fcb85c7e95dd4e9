import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONFIG_MAPS, NAMESPACES } from '#api/kube';
import { ApiError, FakeKubeClient } from '../client/index.ts';
import { applyAll } from './index.ts';

const core = {
  resources: [
    { name: 'configmaps', kind: 'ConfigMap', namespaced: true },
    { name: 'namespaces', kind: 'Namespace', namespaced: false },
    { name: 'namespaces/status', kind: 'Namespace', namespaced: false },
  ],
};
const configMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: { k: 'v' } };
const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'n' } };

test('objects are applied in order, namespaced ones into the default namespace when they name none', async () => {
  const client = new FakeKubeClient().answerRaw('/api/v1', core);
  const seen: string[] = [];
  await applyAll(client, [namespace, configMap], {
    fieldManager: 'test',
    namespace: 'n',
    applied: (object) => seen.push(object.kind ?? ''),
  });
  assert.deepEqual(seen, ['Namespace', 'ConfigMap']);
  assert.equal(client.all(NAMESPACES).length, 1);
  assert.equal(client.all(CONFIG_MAPS)[0]?.metadata.namespace, 'n');
});

test('a kind that is not served is named after a bounded wait', async () => {
  const client = new FakeKubeClient().answerRaw('/api/v1', core);
  const link = { apiVersion: 'v1', kind: 'Link', metadata: { name: 'x' } };
  await assert.rejects(applyAll(client, [link], { fieldManager: 'test', kindWaitMs: 150 }), /serves no Link in v1/);
});

test('a refusal names the object and keeps the cause', async () => {
  const client = new FakeKubeClient().answerRaw('/api/v1', core);
  client.refuse = (verb) => (verb === 'patch' ? ApiError.of(422, 'Invalid', 'spec.x: Required value') : undefined);
  await assert.rejects(
    applyAll(client, [configMap], { fieldManager: 'test' }),
    (error: Error) =>
      /ConfigMap default\/a: spec.x: Required value/.test(error.message) && error.cause instanceof ApiError,
  );
});
