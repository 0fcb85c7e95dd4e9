import assert from 'node:assert/strict';
import { test } from 'node:test';
import type {
  AnyObject,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  ValidatingAdmissionPolicyBindingSpec,
  ValidatingAdmissionPolicySpec,
} from '#api/kube';
import { Cel, type CelType, INT } from '../cel/index.ts';
import {
  AdmissionBindings,
  type AdmissionView,
  evaluateMatchConditions,
  evaluatePolicies,
  ParamsError,
  type PolicyInput,
  policyFaults,
  typeWarnings,
} from './index.ts';

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

const view = (more: Partial<AdmissionView> = {}) =>
  new AdmissionBindings({
    object: deployment(7),
    request: { operation: 'CREATE', userInfo: { username: 'u', groups: ['g'] }, name: 'd', namespace: 'n' },
    namespaceObject: { metadata: { name: 'n', labels: { env: 'test' } } },
    ...more,
  });

const input = ({ findParams = () => [], seenBy, ...more }: Partial<PolicyInput & AdmissionView> = {}): PolicyInput => ({
  findParams,
  seenBy:
    seenBy ??
    (({ resourceRules: [rule] = [] }) => (rule && !rule.resources?.includes('deployments') ? undefined : view(more))),
});

const judge = (
  spec: ValidatingAdmissionPolicySpec,
  bound: ValidatingAdmissionPolicyBindingSpec = {},
  more: Partial<PolicyInput & AdmissionView> = {},
) => evaluatePolicies([policy(spec)], [binding(bound)], input(more), cel);

const PASSED = { warnings: [], audit: {} };

test('denies with the message, reason and code of the failed validation', () => {
  assert.deepEqual(judge({ validations: [{ expression: 'object.spec.replicas <= 5' }] }), {
    denial: {
      message:
        "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: failed expression: object.spec.replicas <= 5",
      reason: 'Invalid',
      code: 422,
    },
    ...PASSED,
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
  assert.deepEqual(judge({ validations: [{ expression: 'object.spec.replicas == 7' }] }), PASSED);
  const failing = { validations: [{ expression: 'false' }] };
  const rules = (resource: string) => ({ resourceRules: [{ resources: [resource] }] });
  assert.deepEqual(judge({ ...failing, matchConstraints: rules('pods') }), PASSED);
  assert.deepEqual(judge(failing, { matchResources: rules('pods') }), PASSED);
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
  assert.deepEqual(judge({ validations: [{ expression }] }), PASSED);
  const deleted = { object: undefined, oldObject: deployment(1) };
  assert.deepEqual(
    judge({ validations: [{ expression: 'object == null && oldObject.spec.replicas == 1' }] }, {}, deleted),
    PASSED,
  );
});

test('variables are computed when read, and may read those before', () => {
  const variables = [
    { name: 'count', expression: 'object.spec.replicas' },
    { name: 'double', expression: 'variables.count * 2' },
    { name: 'broken', expression: 'object.spec.missing' },
  ];
  assert.deepEqual(judge({ variables, validations: [{ expression: 'variables.double == 14' }] }), PASSED);
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
  assert.deepEqual(judge(spec, bound('Deny'), found(max('9'))), PASSED);
  assert.match(judge(spec, bound('Deny'), found(max('9'), max('3'))).denial?.message ?? '', /max 3$/);
  assert.match(
    judge(spec, bound('Deny')).denial?.message ?? '',
    /failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction$/,
  );
  assert.deepEqual(judge(spec, bound('Allow')), PASSED);
});

test('errors deny unless the policy ignores failures', () => {
  const validations = [{ expression: 'object.spec.missing > 1' }];
  assert.equal(
    judge({ validations }).denial?.message,
    "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: expression 'object.spec.missing > 1' resulted in error: no such key: missing",
  );
  assert.deepEqual(judge({ validations, failurePolicy: 'Ignore' }), PASSED);
  assert.match(judge({ validations: [{ expression: 'object.' }] }).denial?.message ?? '', /Syntax error/);
});

test('warns and annotates where the binding asks for that only', () => {
  const message = "Validation failed for ValidatingAdmissionPolicy 'p' with binding 'b': m";
  const failure = {
    message: 'm',
    policy: 'p',
    binding: 'b',
    expressionIndex: 1,
    validationActions: ['Warn', 'Audit'],
  };
  const outcome = judge(
    { validations: [{ expression: 'true' }, { expression: 'false', message: 'm' }] },
    { validationActions: ['Warn', 'Audit'] },
  );
  assert.equal(outcome.denial, undefined);
  assert.deepEqual(outcome.warnings, [message]);
  assert.deepEqual(JSON.parse(outcome.audit['validation.policy.admission.k8s.io/validation_failure'] ?? ''), [failure]);
});

test('audit annotations tell values, nothing for null, and errors in place of values', () => {
  const auditAnnotations = [
    { key: 'size', valueExpression: "'has ' + string(object.spec.replicas)" },
    { key: 'none', valueExpression: 'null' },
    { key: 'broken', valueExpression: 'object.spec.missing' },
  ];
  assert.deepEqual(judge({ auditAnnotations }).audit, { 'p/size': 'has 7', 'p/broken': 'no such key: missing' });
});

test('the authorizer answers for the user of the request, for others, and about the object', () => {
  const asked: string[] = [];
  const asking = new Cel(({ user, verb, group, resource, namespace, name, path }) => {
    asked.push([user.name, verb, group, resource, namespace, name, path].join(' ').trim());
    return { allowed: verb === 'get', reason: '' };
  });
  const request = {
    userInfo: { username: 'u', groups: ['g'] },
    resource: { group: 'apps', version: 'v1', resource: 'deployments' },
    namespace: 'n',
    name: 'd',
  };
  const expression = [
    "authorizer.requestResource.check('get').allowed()",
    "!authorizer.serviceAccount('a', 'b').group('').resource('pods').namespace('x').check('list').allowed()",
    "authorizer.path('/healthz').check('get').allowed()",
  ].join(' && ');
  const spec = { validations: [{ expression }] };
  assert.deepEqual(evaluatePolicies([policy(spec)], [binding()], input({ request }), asking), PASSED);
  assert.deepEqual(asked, [
    'u get apps deployments n d',
    'system:serviceaccount:a:b list  pods x',
    'u get     /healthz',
  ]);
});

test('params that can never be found deny, unless the policy ignores failures', () => {
  const spec = {
    paramKind: { apiVersion: 'x/v1', kind: 'Limit' },
    validations: [{ expression: 'true' }],
  };
  const findParams = () => {
    throw new ParamsError('nobody serves it');
  };
  const bound = { paramRef: { name: 'x', parameterNotFoundAction: 'Allow' } };
  assert.match(judge(spec, bound, { findParams }).denial?.message ?? '', /configure binding: nobody serves it$/);
  assert.deepEqual(judge({ ...spec, failurePolicy: 'Ignore' }, bound, { findParams }), PASSED);
});

test('tells the version in which it sees the object, and asks the binding as well', () => {
  const seen = new AdmissionBindings({ object: deployment(1), request: {} });
  const spec = {
    matchConstraints: { matchPolicy: 'Equivalent' },
    validations: [{ expression: 'object.spec.replicas == 1' }],
  };
  const seenBy: PolicyInput['seenBy'] = ({ matchPolicy, objectSelector }) =>
    objectSelector ? undefined : matchPolicy ? seen : view();
  assert.deepEqual(judge(spec, {}, { seenBy }), PASSED);
  const failing = { ...spec, validations: [{ expression: 'false' }] };
  assert.deepEqual(judge(failing, { matchResources: { objectSelector: {} } }, { seenBy }), PASSED);
  assert.ok(judge(failing, {}, { seenBy }).denial);
});

test('names every expression that cannot be used', () => {
  const faults = policyFaults(
    {
      variables: [
        { name: 'a', expression: 'object.x' },
        { name: 'a', expression: 'variables.b' },
        { name: '1', expression: '1' },
      ],
      matchConditions: [{ name: 'c', expression: '"text"' }],
      validations: [
        { expression: 'params.x == 1' },
        { expression: 'request.nope == 1' },
        { expression: ' ' },
        { expression: 'true', messageExpression: '1' },
      ],
      auditAnnotations: [{ key: 'k', valueExpression: 'true' }],
    },
    cel,
  );
  assert.deepEqual(
    faults.map(({ field, kind, detail }) => [field, kind, detail.split('\n')[0]]),
    [
      ['spec.variables[1].name', 'duplicate', ''],
      ['spec.variables[1].expression', 'invalid', "compilation failed: ERROR: <input>:1:10: undefined field 'b'"],
      ['spec.variables[2].name', 'invalid', 'name is not a valid CEL identifier'],
      ['spec.matchConditions[0].expression', 'invalid', 'must evaluate to bool'],
      [
        'spec.validations[0].expression',
        'invalid',
        "compilation failed: ERROR: <input>:1:1: undeclared reference to 'params' (in container '')",
      ],
      ['spec.validations[1].expression', 'invalid', "compilation failed: ERROR: <input>:1:8: undefined field 'nope'"],
      ['spec.validations[2].expression', 'required', 'expression is not specified'],
      ['spec.validations[3].messageExpression', 'invalid', 'must evaluate to string'],
      ['spec.auditAnnotations[0].valueExpression', 'invalid', 'must evaluate to one of string or null'],
    ],
  );
});

test('types warn of fields that an object does not have', () => {
  const spec: CelType = { kind: 'object', field: (name) => (name === 'replicas' ? INT : undefined) };
  const type: CelType = { kind: 'object', field: (name) => (name === 'spec' ? spec : undefined) };
  const kinds = [{ group: 'apps', version: 'v1', kind: 'Deployment', type }];
  const validations = [{ expression: 'object.spec.replicas > 1' }, { expression: 'object.spec.size > 1' }];
  assert.deepEqual(typeWarnings({ validations }, kinds, undefined, cel), [
    {
      fieldRef: 'spec.validations[1].expression',
      warning:
        "apps/v1, Kind=Deployment: ERROR: <input>:1:12: undefined field 'size'\n | object.spec.size > 1\n | ...........^\n",
    },
  ]);
});

test('a match condition that is false decides, errors only without one', () => {
  const bindings = view();
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
  assert.deepEqual(judge(spec, {}, { object: crd('v1.4.0') }), PASSED);
  assert.match(judge(spec, {}, { object: crd('v1.3.0') }).denial?.message ?? '', /too old$/);
});
