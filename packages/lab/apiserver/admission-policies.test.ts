import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { AnyObject, ValidatingAdmissionPolicySpec } from '#api/kube';
import type { ApiError } from '#lab/contract';
import { type LoopbackServer, startLoopbackServer } from './loopback.fake.ts';

const admission = (resource: string) => ({ group: 'admissionregistration.k8s.io', version: 'v1', resource });
const POLICIES = admission('validatingadmissionpolicies');
const BINDINGS = admission('validatingadmissionpolicybindings');
const CONFIG_MAPS = { group: '', version: 'v1', resource: 'configmaps' };
const DEFINITIONS = { group: 'apiextensions.k8s.io', version: 'v1', resource: 'customresourcedefinitions' };

let lab: LoopbackServer;
before(async () => {
  lab = await startLoopbackServer();
});
after(() => lab.close());

const refusal = (work: Promise<unknown>): Promise<ApiError> =>
  work.then(
    () => assert.fail('should have been refused'),
    (error: ApiError) => error,
  );

const rules = (group: string, version: string, resource: string): ValidatingAdmissionPolicySpec => ({
  matchConstraints: {
    resourceRules: [
      { operations: ['CREATE', 'UPDATE'], apiGroups: [group], apiVersions: [version], resources: [resource] },
    ],
  },
});

/** A policy `name` and its binding, while `work` runs. */
async function withPolicy(
  spec: ValidatingAdmissionPolicySpec,
  bound: object,
  work: () => Promise<void>,
): Promise<void> {
  const [name, metadata] = ['test', { name: 'test' }];
  await lab.client.create(POLICIES, { metadata, spec } as AnyObject);
  await lab.client.create(BINDINGS, {
    metadata,
    spec: { policyName: name, validationActions: ['Deny'], ...bound },
  } as AnyObject);
  try {
    await work();
  } finally {
    for (const gvr of [BINDINGS, POLICIES]) await lab.client.delete(gvr, { name });
  }
}

const configMap = (name: string, data: Record<string, string> = {}): AnyObject => ({
  metadata: { name, namespace: 'default' },
  data,
});

test('a bound policy refuses a write in the words of Kubernetes, and lets others pass', async () => {
  const validations = [{ expression: '!has(object.data.secret)', message: 'no secrets here', reason: 'Forbidden' }];
  await withPolicy({ ...rules('', 'v1', 'configmaps'), validations }, {}, async () => {
    await lab.client.create(CONFIG_MAPS, configMap('good', { a: 'b' }));
    const { status } = await refusal(lab.client.create(CONFIG_MAPS, configMap('bad', { secret: 'x' })));
    assert.equal(
      status.message,
      `configmaps "bad" is forbidden: ValidatingAdmissionPolicy 'test' with binding 'test' denied request: no secrets here`,
    );
    assert.deepEqual([status.code, status.reason], [403, 'Forbidden']);
    assert.equal(status.details?.causes?.[0]?.message?.endsWith('no secrets here'), true);
  });
  await lab.client.create(CONFIG_MAPS, configMap('bad', { secret: 'x' }));
});

test('parameters are found beside the object, and their absence counts as the binding says', async () => {
  const spec = {
    ...rules('', 'v1', 'configmaps'),
    paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
    matchConditions: [{ name: 'not-the-limits', expression: "object.metadata.name != 'limits'" }],
    validations: [
      { expression: 'size(object.data) <= int(params.data.max)', messageExpression: "'max ' + params.data.max" },
    ],
  };
  const paramRef = { name: 'limits', parameterNotFoundAction: 'Deny' };
  await withPolicy(spec, { paramRef }, async () => {
    const missing = await refusal(lab.client.create(CONFIG_MAPS, configMap('p1', { a: '1' })));
    assert.match(missing.message, /no params found for policy binding with `Deny` parameterNotFoundAction$/);
    await lab.client.delete(BINDINGS, { name: 'test' });
    await lab.client.create(CONFIG_MAPS, configMap('limits', { max: '1' }));
    await lab.client.create(BINDINGS, {
      metadata: { name: 'test' },
      spec: { policyName: 'test', validationActions: ['Deny'], paramRef },
    } as AnyObject);
    await lab.client.create(CONFIG_MAPS, configMap('p2', { a: '1' }));
    const many = await refusal(lab.client.create(CONFIG_MAPS, configMap('p3', { a: '1', b: '2' })));
    assert.match(many.message, /max 1$/);
  });
});

test('a policy for one version of a resource sees requests in another, converted', async () => {
  const schema = {
    openAPIV3Schema: {
      type: 'object',
      properties: { spec: { type: 'object', properties: { n: { type: 'integer' } } } },
    },
  };
  const version = (name: string, storage: boolean) => ({ name, served: true, storage, schema });
  await lab.client.create(DEFINITIONS, {
    metadata: { name: 'things.test.example.com' },
    spec: {
      group: 'test.example.com',
      scope: 'Cluster',
      names: { plural: 'things', kind: 'Thing' },
      versions: [version('v1', true), version('v2', false)],
    },
  } as AnyObject);
  const validations = [
    { expression: "object.spec.n < 5 && object.apiVersion == 'test.example.com/v1'", message: 'too much' },
    { expression: "request.requestResource.version == 'v2'" },
  ];
  const thing = (name: string, n: number) => ({ metadata: { name }, spec: { n } }) as AnyObject;
  const gvr = { group: 'test.example.com', version: 'v2', resource: 'things' };
  const spec = { ...rules('test.example.com', 'v1', 'things'), validations };
  await withPolicy(spec, {}, async () => {
    await lab.client.create(gvr, thing('a', 1));
    assert.match((await refusal(lab.client.create(gvr, thing('b', 9)))).message, /too much$/);
  });
  const exact = { ...spec, matchConstraints: { ...spec.matchConstraints, matchPolicy: 'Exact' } };
  await withPolicy(exact, {}, async () => {
    await lab.client.create(gvr, thing('b', 9));
  });
});

test('a policy with expressions that cannot be compiled is refused with every place', async () => {
  const spec = {
    ...rules('', 'v1', 'configmaps'),
    validations: [{ expression: 'object.' }, { expression: "'a'" }],
    auditAnnotations: [{ key: 'k', valueExpression: 'nothing' }],
  };
  const { status } = await refusal(lab.client.create(POLICIES, { metadata: { name: 'x' }, spec } as AnyObject));
  assert.equal(status.code, 422);
  assert.deepEqual(
    status.details?.causes?.map(({ field, message }) => [field, message?.split('\n')[0]?.slice(0, 60)]),
    [
      ['spec.validations[0].expression', 'Invalid value: "object.": compilation failed: ERROR: <input>'],
      ['spec.validations[1].expression', `Invalid value: "'a'": must evaluate to bool`],
      [
        'spec.auditAnnotations[0].valueExpression',
        'Invalid value: "nothing": compilation failed: ERROR: <input>'.slice(0, 60),
      ],
    ],
  );
});

test('the status of a policy tells what the types of its objects say, once per generation', async () => {
  const policy = (expression: string) =>
    ({
      metadata: { name: 'typed' },
      spec: { ...rules('apps', 'v1', 'deployments'), validations: [{ expression }] },
    }) as AnyObject;
  const made = await lab.client.create<AnyObject>(POLICIES, policy('object.spec.size > 1'));
  const status = made['status'] as {
    observedGeneration: number;
    typeChecking: { expressionWarnings?: { fieldRef: string; warning: string }[] };
  };
  assert.equal(status.observedGeneration, 1);
  assert.equal(status.typeChecking.expressionWarnings?.[0]?.fieldRef, 'spec.validations[0].expression');
  assert.match(
    status.typeChecking.expressionWarnings?.[0]?.warning ?? '',
    /^apps\/v1, Kind=Deployment: ERROR: <input>:1:12: undefined field 'size'/,
  );
  const body = [{ op: 'replace', path: '/spec/validations/0/expression', value: 'object.spec.replicas > 1' }];
  const changed = await lab.client.patch<AnyObject>(POLICIES, { name: 'typed' }, { type: 'json', body });
  assert.deepEqual(changed['status'], { observedGeneration: 2, typeChecking: {} });
  await lab.client.delete(POLICIES, { name: 'typed' });
});

test('webhooks whose match conditions cannot be compiled are refused', async () => {
  const hook = {
    name: 'a.example.com',
    clientConfig: { url: 'https://example.com/' },
    sideEffects: 'None',
    admissionReviewVersions: ['v1'],
    matchConditions: [{ name: 'c', expression: 'params.x' }],
  };
  const configuration = { metadata: { name: 'x' }, webhooks: [hook] } as unknown as AnyObject;
  const { status } = await refusal(lab.client.create(admission('validatingwebhookconfigurations'), configuration));
  assert.equal(status.details?.causes?.[0]?.field, 'webhooks[0].matchConditions[0].expression');
});
