import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AnyObject, ObjectMeta } from '#api/kube';
import { memoryCore } from './memory-core.fake.ts';
import { validateMeta } from './meta-validation.ts';

const { registry } = memoryCore();
const resourceOf = (group: string, resource: string) =>
  registry.find({ group, version: 'v1', resource }) ?? assert.fail(resource);
const faults = (metadata: ObjectMeta, group = '', resource = 'configmaps'): string[] =>
  validateMeta(resourceOf(group, resource), { metadata } as AnyObject, undefined).map(
    ({ field, message }) => `${field}: ${message}`,
  );

const NAME_PART =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character " +
  "(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

test('names follow the rule of their resource', () => {
  assert.deepEqual(faults({ name: 'a.b' }), []);
  assert.deepEqual(faults({ name: 'system:node' }, 'rbac.authorization.k8s.io', 'clusterroles'), []);
  assert.deepEqual(faults({}), ['metadata.name: Required value: name or generateName is required']);
  assert.deepEqual(faults({ name: 'A' }), [
    'metadata.name: Invalid value: "A": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, ' +
      "'-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is " +
      "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
  ]);
  assert.match(faults({ name: 'a.b' }, '', 'namespaces').join(), /: a lowercase RFC 1123 label must consist/);
  assert.match(faults({ name: '1a' }, '', 'services').join(), /: a DNS-1035 label must consist/);
  assert.match(faults({ name: 'a/b' }, 'rbac.authorization.k8s.io', 'roles').join(), /: may not contain '\/' or '%'/);
  assert.deepEqual(faults({ name: 'a'.repeat(64) }, '', 'namespaces'), [
    `metadata.name: Invalid value: "${'a'.repeat(64)}": must be no more than 63 characters`,
  ]);
});

test('labels, annotations and finalizers have qualified names', () => {
  const name = 'a';
  assert.deepEqual(faults({ name, labels: { 'x.io/A_b': '' }, annotations: { 'X.io/c': 'any text' } }), []);
  assert.deepEqual(faults({ name, labels: { '-a': 'b' } }), [`metadata.labels: Invalid value: "-a": ${NAME_PART}`]);
  assert.match(
    faults({ name, labels: { a: 'b c' } }).join(),
    /^metadata.labels: Invalid value: "b c": a valid label must/,
  );
  assert.deepEqual(faults({ name, annotations: { 'A b': '' } }), [
    `metadata.annotations: Invalid value: "A b": ${NAME_PART}`,
  ]);
  assert.deepEqual(faults({ name, finalizers: ['x y'] }), [`metadata.finalizers: Invalid value: "x y": ${NAME_PART}`]);
});
