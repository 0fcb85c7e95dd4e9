import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DecodeFault, toNormalForm } from './normal-form.ts';

const deployment = (value: unknown) => toNormalForm('apps/v1.Deployment', value);

test('zero values of pointers stay, other optional zeros and nulls go, empty structs appear', () => {
  const { object } = deployment({
    metadata: { name: 'a', creationTimestamp: null },
    spec: { replicas: 0, paused: false },
  });
  assert.deepEqual(object, {
    metadata: { name: 'a' },
    spec: { replicas: 0, template: { metadata: {}, spec: {} }, strategy: {} },
    status: {},
  });
});

test('unknown fields are dropped and named by path', () => {
  const pod = toNormalForm('core/v1.Pod', { spec: { containers: [{ name: 'a', imagee: 'x' }], dta: 1 }, foo: {} });
  assert.deepEqual(pod.unknownFields, ['foo', 'spec.dta', 'spec.containers[0].imagee']);
  assert.equal(JSON.stringify(pod.object).includes('imagee'), false);
});

test('quantities, times and base64 are written canonically', () => {
  const { object } = toNormalForm('core/v1.Pod', {
    metadata: { creationTimestamp: '2026-01-02T03:04:05.678+01:00' },
    spec: { containers: [{ name: 'a', resources: { limits: { cpu: 0.5, memory: '1024Ki' } } }] },
  });
  assert.equal((object['metadata'] as { creationTimestamp: string }).creationTimestamp, '2026-01-02T02:04:05Z');
  const [container] = (object['spec'] as { containers: { resources: unknown }[] }).containers;
  assert.deepEqual(container?.resources, { limits: { cpu: '500m', memory: '1Mi' } });
  const lease = toNormalForm('coordination/v1.Lease', { spec: { renewTime: '2026-01-02T03:04:05.123Z' } });
  assert.deepEqual(lease.object['spec'], { renewTime: '2026-01-02T03:04:05.123000Z' });
});

const REFUSED: readonly (readonly [unknown, string])[] = [
  [
    { spec: { replicas: 'x' } },
    'json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32',
  ],
  [
    { spec: { replicas: 1.5 } },
    'json: cannot unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32',
  ],
  [[], 'json: cannot unmarshal array into Go value of type v1.Deployment'],
  [
    { spec: { template: { spec: { containers: [{ env: [{ value: 1 }] }] } } } },
    'json: cannot unmarshal number into Go struct field EnvVar.spec.template.spec.containers.env.value of type string',
  ],
  [
    { spec: { template: { spec: { containers: {} } } } },
    'json: cannot unmarshal object into Go struct field PodSpec.spec.template.spec.containers of type []v1.Container',
  ],
  [
    { spec: { template: { spec: { containers: [{ resources: { limits: { cpu: 'lots' } } }] } } } },
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
  ],
];

test("values of a wrong type are refused in Go's words", () => {
  for (const [value, message] of REFUSED) assert.throws(() => deployment(value), new DecodeFault(message));
});

test('a key named __proto__ is data', () => {
  const { object } = toNormalForm('core/v1.ConfigMap', JSON.parse('{"data":{"__proto__":"x"}}'));
  assert.equal(JSON.stringify(object['data']), '{"__proto__":"x"}');
});
