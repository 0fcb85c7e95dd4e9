import assert from 'node:assert/strict';
import { test } from 'node:test';
import type {
  AnyObject,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  ValidatingAdmissionPolicyBindingSpec,
  ValidatingAdmissionPolicySpec,
} from '#api/kube';
import { Cel } from '../cel/index.ts';
import { AdmissionBindings, evaluateMatchConditions, evaluatePolicies, type PolicyInput } from './index.ts';

const cel = new Cel();

const policy = (spec: ValidatingAdmissionPolicySpec, name = 'p'): ValidatingAdmissionPolicy => ({
  metadata: { name },
  spec,
});
const binding = (spec: ValidatingAdmissionPolicyBindingSpec = {}, name = 'b'): ValidatingAdmissionPolicyBinding => ({
  metadata: { name },
  spec: { policyName: 'p', validationActions: ['Deny'], ...spec },
});

const deployment = (replicas: number, labels: Record<string, string> = {}): AnyObject => ({
  metadata: { name: 'd', namespace: 'n', labels },
  spec: { replicas },
});

const input = (more: Partial<PolicyInput> = {}): PolicyInput => ({
  object: deployment(7),
  request: { operation: 'CREATE', userInfo: { username: 'u', groups: ['g'] }, name: 'd', namespace: 'n' },
  namespaceObject: { metadata: { name: 'n', labels: { env: 'test' } } },
  ruleMatches: (rule) => rule.resources?.includes('deployments') ?? false,
  selectorsMatch: () => true,
  findParams: () => [],
  ...more,
});

const judge = (
  spec: ValidatingAdmissionPolicySpec,
  bound: ValidatingAdmissionPolicyBindingSpec = {},
  more: Partial<PolicyInput> = {},
) => evaluatePolicies([policy(spec)], [binding(bound)], input(more), cel);

test('denies with the message, reason and code of the failed validation', () => {
  assert.deepEqual(judge({ validations: [{ expression: 'object.spec.replicas <= 5' }] }), {
    denial: {
      message:
        "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: failed expression: object.spec.replicas <= 5",
      reason: 'Invalid',
      code: 422,
    },
    warnings: [],
  });
  const { denial } = judge({
    validations: [
      { expression: 'true' },
      {
        expression: 'object.spec.replicas <= 5',
        message: 'too many',
        messageExpression: "'has ' + string(object.spec.replicas)",
        reason: 'Forbidden',
      },
    ],
  });
  assert.equal(denial?.message, "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: has 7");
  assert.equal(denial?.code, 403);
});

test('passes what holds, and what no rule means', () => {
  assert.deepEqual(judge({ validations: [{ expression: 'object.spec.replicas == 7' }] }), { warnings: [] });
  const failing = { validations: [{ expression: 'false' }] };
  const rules = (resource: string) => ({ resourceRules: [{ resources: [resource] }] });
  assert.deepEqual(judge({ ...failing, matchConstraints: rules('pods') }), { warnings: [] });
  assert.deepEqual(judge(failing, { matchResources: rules('pods') }), { warnings: [] });
  assert.deepEqual(
    judge({ ...failing, matchConstraints: { excludeResourceRules: [{ resources: ['deployments'] }] } }),
    {
      warnings: [],
    },
  );
  assert.deepEqual(
    judge(failing, {}, { selectorsMatch: (filter) => filter.objectSelector === undefined }).warnings,
    [],
  );
  assert.ok(judge({ ...failing, matchConstraints: rules('deployments') }).denial);
});

test('expressions see the old object, the request and the namespace', () => {
  const expression = [
    'oldObject == null',
    'request.operation == "CREATE"',
    '"g" in request.userInfo.groups',
    'namespaceObject.metadata.labels["env"] == "test"',
    'params == null',
  ].join(' && ');
  assert.deepEqual(judge({ validations: [{ expression }] }), { warnings: [] });
  const deleted = { object: undefined, oldObject: deployment(1) };
  assert.deepEqual(
    judge({ validations: [{ expression: 'object == null && oldObject.spec.replicas == 1' }] }, {}, deleted),
    {
      warnings: [],
    },
  );
});

test('variables are computed when read, and may read those before', () => {
  const variables = [
    { name: 'count', expression: 'object.spec.replicas' },
    { name: 'double', expression: 'variables.count * 2' },
    { name: 'broken', expression: 'object.spec.missing' },
  ];
  assert.deepEqual(judge({ variables, validations: [{ expression: 'variables.double == 14' }] }), { warnings: [] });
  assert.match(
    judge({ variables, validations: [{ expression: 'variables.broken == 1' }] }).denial?.message ?? '',
    /resulted in error: no such key: missing$/,
  );
});

test('evaluates once for each parameter object, and says when one must be there', () => {
  const spec = {
    paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
    validations: [
      { expression: 'object.spec.replicas <= int(params.data.max)', messageExpression: "'max ' + params.data.max" },
    ],
  };
  const max = (value: string): AnyObject => ({ metadata: { name: value }, data: { max: value } });
  const bound = (parameterNotFoundAction: string) => ({ paramRef: { name: 'x', parameterNotFoundAction } });
  const found = (...objects: AnyObject[]) => ({ findParams: () => objects });
  assert.deepEqual(judge(spec, bound('Deny'), found(max('9'))), { warnings: [] });
  assert.match(judge(spec, bound('Deny'), found(max('9'), max('3'))).denial?.message ?? '', /max 3$/);
  assert.match(
    judge(spec, bound('Deny')).denial?.message ?? '',
    /failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction$/,
  );
  assert.deepEqual(judge(spec, bound('Allow')), { warnings: [] });
});

test('errors deny unless the policy ignores failures', () => {
  const validations = [{ expression: 'object.spec.missing > 1' }];
  assert.equal(
    judge({ validations }).denial?.message,
    "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: expression 'object.spec.missing > 1' resulted in error: no such key: missing",
  );
  assert.deepEqual(judge({ validations, failurePolicy: 'Ignore' }), { warnings: [] });
  assert.match(judge({ validations: [{ expression: 'object.' }] }).denial?.message ?? '', /Syntax error/);
});

test('warns where the binding asks for a warning only', () => {
  assert.deepEqual(
    judge({ validations: [{ expression: 'false', message: 'm' }] }, { validationActions: ['Warn', 'Audit'] }),
    {
      warnings: ["Validation failed for ValidatingAdmissionPolicy 'p' with binding 'b': m"],
    },
  );
});

test('a match condition that is false decides, errors only without one', () => {
  const bindings = new AdmissionBindings(input());
  const conditions = (...expressions: string[]) =>
    evaluateMatchConditions(
      expressions.map((expression, i) => ({ name: `c${i}`, expression })),
      bindings,
      cel,
    );
  assert.deepEqual(conditions(), { kind: 'match' });
  assert.deepEqual(conditions('request.operation == "CREATE"'), { kind: 'match' });
  assert.deepEqual(conditions('object.nope == 1', 'request.operation == "DELETE"'), { kind: 'skip' });
  assert.deepEqual(conditions('object.nope == 1'), {
    kind: 'failed',
    message: "expression 'c0' resulted in error: no such key: nope",
  });
});

test('guards upgrades the way Gateway API does', () => {
  const spec = {
    variables: [{ name: 'key', expression: "'gateway.networking.k8s.io/bundle-version'" }],
    validations: [
      {
        expression:
          "object.spec.group != 'gateway.networking.k8s.io' || (has(object.metadata.annotations) && object.metadata.annotations.exists(k, k == variables.key && !matches(object.metadata.annotations[k], 'v1.[0-3].\\\\d+')))",
        message: 'too old',
      },
    ],
  };
  const crd = (version: string): AnyObject => ({
    metadata: { name: 'x', annotations: { 'gateway.networking.k8s.io/bundle-version': version } },
    spec: { group: 'gateway.networking.k8s.io' },
  });
  assert.deepEqual(judge(spec, {}, { object: crd('v1.4.0') }), { warnings: [] });
  assert.match(judge(spec, {}, { object: crd('v1.3.0') }).denial?.message ?? '', /too old$/);
});
