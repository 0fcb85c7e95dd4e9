import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JsonPathError, parseJsonPath, printJsonPathValue } from './index.ts';

const POD = {
  metadata: { name: 'p', annotations: { 'example.com/key': 'v', 'a.b': 'c' } },
  spec: { containers: [{ name: 'a', ports: [{ port: 1 }] }, { name: 'b' }], replicas: 3 },
  status: {
    conditions: [
      { type: 'Ready', status: 'True', count: 2 },
      { type: 'Synced', status: 'False', count: 5 },
    ],
  },
};

const CASES: Record<string, unknown[]> = {
  '.metadata.name': ['p'],
  '{.metadata.name}': ['p'],
  '$.metadata.name': ['p'],
  'metadata.name': ['p'],
  '.spec.missing.deeper': [],
  '.metadata.annotations.example\\.com/key': ['v'],
  ".metadata.annotations['a.b']": ['c'],
  '.spec.containers[0].name': ['a'],
  '.spec.containers[-1].name': ['b'],
  '.spec.containers[9].name': [],
  '.spec.containers[*].name': ['a', 'b'],
  '.spec.containers[0:1].name': ['a'],
  '.spec.containers[1:].name': ['b'],
  '.spec.containers[0,1].name': ['a', 'b'],
  "['metadata']['name','uid']": ['p'],
  '.status.conditions[?(@.type=="Ready")].status': ['True'],
  ".status.conditions[?(@.type == 'Synced')].status": ['False'],
  '.status.conditions[?(@.count > 3)].type': ['Synced'],
  '.status.conditions[?(@.count<=2)].type': ['Ready'],
  '.status.conditions[?(@.status!="True")].type': ['Synced'],
  '.spec.containers[?(@.ports)].name': ['a'],
  '..port': [1],
  '.spec.containers[*].ports[*].port': [1],
};

test('finds what kubectl finds', () => {
  for (const [path, want] of Object.entries(CASES)) assert.deepEqual(parseJsonPath(path).find(POD), want, path);
});

test('never walks into prototypes', () => {
  assert.deepEqual(parseJsonPath('.constructor.name').find(POD), []);
});

test('says where a path is malformed', () => {
  for (const path of ['.a[', '.a[?(@.b==)]', '.a..', '.a]', '.a[x', '.a[?(@.b=="c"]', '{.a}{.b}', '.a[::0]'])
    assert.throws(() => parseJsonPath(path), JsonPathError, path);
});

test('prints scalars bare and the rest as JSON', () => {
  assert.deepEqual([1, 'a', true, null, ['x'], { a: 1 }].map(printJsonPathValue), [
    '1',
    'a',
    'true',
    '<nil>',
    '["x"]',
    '{"a":1}',
  ]);
});
