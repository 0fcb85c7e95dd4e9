import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as kube from './index.ts';
import { parseTables } from './tables.ts';

const tables = parseTables();

test('every referenced type is in the tables', () => {
  for (const type of tables.types.values())
    for (const field of type.fields.values())
      if (field.ref) assert.ok(tables.types.has(field.ref), `${type.id}.${field.name} points to ${field.ref}`);
  for (const kind of tables.kinds) assert.ok(tables.types.has(kind.type), kind.kind);
});

test('a field carries merge keys, list keys and key defaults', () => {
  const ports = tables.types.get('core/v1.ServiceSpec')?.fields.get('ports');
  assert.equal(ports?.mergeKey, 'port');
  assert.deepEqual(ports?.listKeys, ['port', 'protocol']);
  assert.equal(tables.types.get('core/v1.ServicePort')?.fields.get('protocol')?.default, 'TCP');
  assert.deepEqual(tables.types.get('core/v1.PodSpec')?.fields.get('volumes')?.strategy, ['merge', 'retainKeys']);
});

test('inline embeddings keep the path of protobuf numbers', () => {
  assert.deepEqual(tables.types.get('core/v1.Volume')?.fields.get('emptyDir')?.proto, [2, 2]);
  assert.deepEqual(tables.types.get('core/v1.Probe')?.fields.get('httpGet')?.proto, [1, 2]);
});

test('pointers, containers and enums are told apart', () => {
  const replicas = tables.types.get('apps/v1.DeploymentSpec')?.fields.get('replicas');
  assert.deepEqual([replicas?.pointer, replicas?.base, replicas?.optional], [true, 'i32', true]);
  const data = tables.types.get('core/v1.Secret')?.fields.get('data');
  assert.deepEqual([data?.wrap, data?.base], [['map'], 'bytes']);
  assert.deepEqual(tables.enums.get('core/v1.RestartPolicy'), ['Always', 'Never', 'OnFailure']);
});

test('every resource constant names a group and version of the tables', () => {
  const served = new Set(tables.kinds.map((kind) => `${kind.group}/${kind.version}`));
  for (const value of Object.values(kube))
    if (typeof value === 'object' && 'resource' in value)
      assert.ok(served.has(`${value.group}/${value.version}`), value.resource);
});
