import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULTS } from '../defaults/index.ts';
import { toNormalForm } from '../normal-form.ts';
import { builtins } from '../types.ts';
import { VALIDATION_RULES, validateBuiltin } from './index.ts';

type Json = Record<string, unknown>;
const normal = (type: string, value: Json): Json => toNormalForm(type, value, { defaults: DEFAULTS }).object;
/** Findings as `field: message`. */
const faults = (type: string, value: Json, old?: Json): string[] =>
  validateBuiltin(type, normal(type, value), old && normal(type, old)).map(
    ({ field, message }) => `${field}: ${message}`,
  );

const CONTAINER = { name: 'a', image: 'i' };
const pod = (spec: Json): Json => ({ spec: { containers: [CONTAINER], ...spec } });
const template = (spec: Json = {}, labels: Json = { app: 'x' }): Json => ({
  metadata: { labels },
  spec: { containers: [CONTAINER], ...spec },
});
const deployment = (spec: Json): Json => ({
  spec: { selector: { matchLabels: { app: 'x' } }, template: template(), ...spec },
});

test('every rule belongs to a struct and field of the tables', () => {
  for (const [id, { fields = {} }] of Object.entries(VALIDATION_RULES))
    for (const field of Object.keys(fields)) assert.ok(builtins.type(id).fields.has(field), `${id}.${field}`);
});

test('plain objects pass', () => {
  assert.deepEqual(faults('core/v1.Pod', pod({})), []);
  assert.deepEqual(faults('apps/v1.Deployment', deployment({})), []);
  assert.deepEqual(faults('core/v1.Service', { spec: { ports: [{ port: 80 }] } }), []);
  assert.deepEqual(faults('core/v1.ConfigMap', { data: { a: 'b' } }), []);
});

const PODS: readonly (readonly [Json, string])[] = [
  [{ containers: [] }, 'spec.containers: Required value'],
  [{ containers: [{ name: 'a' }] }, 'spec.containers[0].image: Required value'],
  [{ containers: [CONTAINER, CONTAINER] }, 'spec.containers[1].name: Duplicate value: "a"'],
  [
    { restartPolicy: 'No' },
    'spec.restartPolicy: Unsupported value: "No": supported values: "Always", "Never", "OnFailure"',
  ],
  [
    { containers: [{ ...CONTAINER, ports: [{ containerPort: 70000 }] }] },
    'spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive',
  ],
  [
    { containers: [{ ...CONTAINER, volumeMounts: [{ name: 'v', mountPath: '/x' }] }] },
    'spec.containers[0].volumeMounts[0].name: Not found: "v"',
  ],
  [
    { containers: [{ ...CONTAINER, livenessProbe: { httpGet: { port: 80 }, exec: { command: ['a'] } } }] },
    'spec.containers[0].livenessProbe.httpGet: Forbidden: may not specify more than 1 handler type',
  ],
  [
    { containers: [{ ...CONTAINER, livenessProbe: {} }] },
    'spec.containers[0].livenessProbe: Required value: must specify a handler type',
  ],
  [
    { containers: [{ ...CONTAINER, resources: { requests: { cpu: '2' }, limits: { cpu: '1' } } }] },
    'spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
  ],
  [
    { containers: [{ ...CONTAINER, env: [{ name: 'A', value: 'x', valueFrom: { fieldRef: { fieldPath: 'a' } } }] }] },
    'spec.containers[0].env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty',
  ],
  [
    { volumes: [{ name: 'v', emptyDir: {}, secret: { secretName: 's' } }] },
    'spec.volumes[0].secret: Forbidden: may not specify more than 1 volume type',
  ],
  [
    { initContainers: [{ ...CONTAINER, name: 'i', readinessProbe: { tcpSocket: { port: 1 } } }] },
    'spec.initContainers[0].readinessProbe: Forbidden: may not be set for init containers without restartPolicy=Always',
  ],
  [{ dnsPolicy: 'None' }, 'spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None'],
];

test('what is wrong with a pod is said in kube words', () => {
  for (const [spec, want] of PODS)
    assert.ok(
      faults('core/v1.Pod', pod(spec)).includes(want),
      `${want}\n${faults('core/v1.Pod', pod(spec)).join('\n')}`,
    );
});

const WORKLOADS: readonly (readonly [string, Json, string])[] = [
  ['Deployment', { selector: undefined }, 'spec.selector: Required value'],
  ['Deployment', { selector: {} }, 'spec.selector: Invalid value: {}: empty selector is invalid for deployment'],
  [
    'Deployment',
    { template: template({}, { app: 'y' }) },
    'spec.template.metadata.labels: Invalid value: {"app":"y"}: `selector` does not match template `labels`',
  ],
  ['Deployment', { replicas: -1 }, 'spec.replicas: Invalid value: -1: must be greater than or equal to 0'],
  [
    'Deployment',
    { template: template({ restartPolicy: 'Never' }) },
    'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
  ],
  [
    'Deployment',
    { strategy: { type: 'Recreate', rollingUpdate: {} } },
    "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'",
  ],
  [
    'Deployment',
    { strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: '0%' } } },
    'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "0%": may not be 0 when `maxSurge` is 0',
  ],
  ['StatefulSet', { selector: {} }, 'spec.selector: Invalid value: {}: empty selector is invalid for statefulset'],
];

test('workloads need a selector that fits their template', () => {
  for (const [kind, spec, want] of WORKLOADS) {
    const found = faults(`apps/v1.${kind}`, deployment(spec));
    assert.ok(found.includes(want), `${want}\n${found.join('\n')}`);
  }
});

test('a StatefulSet keeps what its pods are known by', () => {
  const old = deployment({ serviceName: 'a' });
  const found = faults('apps/v1.StatefulSet', deployment({ serviceName: 'b', replicas: 5 }), old);
  assert.deepEqual(found, [
    "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', " +
      "'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
  ]);
  assert.deepEqual(faults('apps/v1.StatefulSet', deployment({ serviceName: 'a', replicas: 5 }), old), []);
});

test('an update may write the fields of a claim template in another order', () => {
  const spec = {
    accessModes: ['ReadWriteOnce'],
    resources: { requests: { storage: '1Gi' } },
    volumeMode: 'Filesystem',
  };
  const claim = { metadata: { name: 'data' }, spec };
  const reordered = { spec: Object.fromEntries(Object.entries(spec).reverse()), metadata: { name: 'data' } };
  const set = (template: object) => deployment({ serviceName: 'a', volumeClaimTemplates: [template] });
  assert.deepEqual(faults('apps/v1.StatefulSet', set(reordered), set(claim)), []);
});

test("a StatefulSet's pods may mount the claims it makes", () => {
  const mounting = template({ containers: [{ ...CONTAINER, volumeMounts: [{ name: 'data', mountPath: '/d' }] }] });
  const claim = {
    metadata: { name: 'data' },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
  };
  assert.deepEqual(
    faults('apps/v1.StatefulSet', deployment({ template: mounting, volumeClaimTemplates: [claim] })),
    [],
  );
  assert.equal(faults('apps/v1.StatefulSet', deployment({ template: mounting })).length, 1);
});

test('jobs end, and keep their template', () => {
  const job = (spec: Json) => ({ spec: { template: template({ restartPolicy: 'Never' }), ...spec } });
  assert.deepEqual(faults('batch/v1.Job', job({})), []);
  assert.deepEqual(faults('batch/v1.Job', job({ template: template() })), [
    'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"',
  ]);
  const changed = job({ template: template({ restartPolicy: 'Never', hostname: 'h' }) });
  assert.match(
    faults('batch/v1.Job', changed, job({})).join(),
    /^spec\.template: Invalid value: .*: field is immutable$/,
  );
});

test('cron schedules have five fields in range', () => {
  const cron = (schedule: string) => ({
    spec: { schedule, jobTemplate: { spec: { template: template({ restartPolicy: 'Never' }) } } },
  });
  for (const schedule of ['*/5 * * * *', '0 4 1,15 jan-mar mon-fri', '@hourly', '@every 1h'])
    assert.deepEqual(faults('batch/v1.CronJob', cron(schedule)), [], schedule);
  for (const schedule of ['* * * *', '61 * * * *', '* * * * 9', 'a * * * *', '*/0 * * * *'])
    assert.equal(faults('batch/v1.CronJob', cron(schedule)).length, 1, schedule);
});

test('immutable ConfigMaps and Secrets stay', () => {
  const old = { data: { a: '1' }, immutable: true };
  assert.deepEqual(faults('core/v1.ConfigMap', { data: { a: '2' } }, old), [
    'immutable: Forbidden: field is immutable when `immutable` is set',
    'data: Forbidden: field is immutable when `immutable` is set',
  ]);
  assert.deepEqual(faults('core/v1.Secret', { type: 'x' }, {}), ['type: Invalid value: "x": field is immutable']);
});

test('Secrets of known types carry their keys', () => {
  assert.deepEqual(faults('core/v1.Secret', { type: 'kubernetes.io/tls' }), [
    'data[tls.crt]: Required value',
    'data[tls.key]: Required value',
  ]);
  assert.deepEqual(faults('core/v1.Secret', { type: 'kubernetes.io/service-account-token' }), [
    'metadata.annotations[kubernetes.io/service-account.name]: Required value',
  ]);
  assert.match(
    faults('core/v1.ConfigMap', { data: { 'a b': '' } })[0] ?? '',
    /^data\[a b\]: Invalid value: "a b": a valid config key/,
  );
});

const SERVICES: readonly (readonly [Json, string])[] = [
  [{}, 'spec.ports: Required value'],
  [{ ports: [{ port: 0 }] }, 'spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive'],
  [{ ports: [{ port: 1 }, { port: 2, name: 'b' }] }, 'spec.ports[0].name: Required value'],
  [
    {
      ports: [
        { port: 1, name: 'b' },
        { port: 2, name: 'b' },
      ],
    },
    'spec.ports[1].name: Duplicate value: "b"',
  ],
  [
    { type: 'X', ports: [{ port: 1 }] },
    'spec.type: Unsupported value: "X": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"',
  ],
  [{ type: 'ExternalName' }, 'spec.externalName: Required value'],
  [
    { type: 'LoadBalancer', ports: [{ port: 1 }], loadBalancerSourceRanges: ['10.0.0.0/8', '10.0.0.0/33'] },
    'spec.loadBalancerSourceRanges[1]: Invalid value: "10.0.0.0/33": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
  ],
  [
    { type: 'ClusterIP', ports: [{ port: 1 }], loadBalancerSourceRanges: ['10.0.0.0/8'] },
    "spec.loadBalancerSourceRanges: Forbidden: may only be used when `type` is 'LoadBalancer'",
  ],
  [
    { type: 'NodePort', ports: [{ port: 1 }], loadBalancerClass: 'a/b' },
    "spec.loadBalancerClass: Forbidden: may only be used when `type` is 'LoadBalancer'",
  ],
  [
    { type: 'LoadBalancer', ports: [{ port: 1 }], healthCheckNodePort: 30_500 },
    "spec.healthCheckNodePort: Invalid value: 30500: may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
  ],
];

test('what is wrong with a Service is said in kube words', () => {
  for (const [spec, want] of SERVICES)
    assert.ok(faults('core/v1.Service', { spec }).includes(want), `${want}\n${faults('core/v1.Service', { spec })}`);
});

test('roles and bindings name whom and what', () => {
  assert.deepEqual(faults('rbac/v1.Role', { rules: [{ verbs: ['get'], apiGroups: [''] }] }), [
    'rules[0].resources: Required value: resource rules must supply at least one resource',
  ]);
  const roleRef = { kind: 'Role', name: 'r' };
  assert.deepEqual(
    faults('rbac/v1.ClusterRoleBinding', { roleRef, subjects: [{ kind: 'ServiceAccount', name: 'a' }] }),
    [
      'roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"',
      'subjects[0].namespace: Required value',
    ],
  );
});

test('webhooks are complete', () => {
  const hook = { name: 'x', clientConfig: {}, admissionReviewVersions: [], rules: [{ operations: ['CREATE'] }] };
  assert.deepEqual(faults('admissionregistration/v1.ValidatingWebhookConfiguration', { webhooks: [hook] }), [
    'webhooks[0].name: Invalid value: "x": should be a domain with at least three segments separated by dots',
    'webhooks[0].rules[0].apiGroups: Required value',
    'webhooks[0].rules[0].apiVersions: Required value',
    'webhooks[0].rules[0].resources: Required value',
    'webhooks[0].sideEffects: Required value: must specify one of None, NoneOnDryRun',
    'webhooks[0].admissionReviewVersions: Required value: must specify one of v1, v1beta1',
    'webhooks[0].clientConfig: Required value: exactly one of url or service is required',
  ]);
});

test('policies and their bindings are complete and do not contradict themselves', () => {
  const policy = {
    matchConstraints: {},
    paramKind: { apiVersion: 'a/b/c' },
    validations: [
      { expression: 'a', message: ' ' },
      { expression: 'a\nb', reason: 'Because' },
    ],
  };
  assert.deepEqual(faults('admissionregistration/v1.ValidatingAdmissionPolicy', { spec: policy }), [
    'spec.paramKind.apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c',
    'spec.paramKind.kind: Required value',
    'spec.validations[0].message: Invalid value: " ": message must be non-empty if specified',
    'spec.validations[1].message: Required value: message must be specified if expression contains line breaks',
    'spec.validations[1].reason: Unsupported value: "Because": supported values: "Forbidden", "Invalid", "RequestEntityTooLarge", "Unauthorized"',
    'spec.matchConstraints.resourceRules: Required value',
  ]);
  const binding = {
    policyName: 'p',
    paramRef: { name: 'a', selector: {} },
    validationActions: ['Deny', 'Warn', 'Deny', 'Shout'],
  };
  assert.deepEqual(
    faults('admissionregistration/v1.ValidatingAdmissionPolicyBinding', { spec: binding }).map((text) =>
      text.slice(0, 60),
    ),
    [
      'spec.paramRef.name: Forbidden: name and selector are mutually exclusive',
      'spec.paramRef.parameterNotFoundAction: Required value',
      'spec.validationActions[2]: Duplicate value: "Deny"',
      'spec.validationActions: Invalid value: ["Deny","Warn","Deny","Shout"]: must not contain both Deny and Warn',
      'spec.validationActions[3]: Unsupported value: "Shout": supported values: "Audit", "Deny", "Warn"',
    ].map((text) => text.slice(0, 60)),
  );
});

test('rules of Jobs about failures fit the rest of the Job', () => {
  const spec = {
    template: { spec: { restartPolicy: 'OnFailure', containers: [CONTAINER] } },
    maxFailedIndexes: 1,
    successPolicy: { rules: [{ succeededCount: 1 }] },
    podFailurePolicy: {
      rules: [{ action: 'FailIndex', onExitCodes: { operator: 'In', values: [0] } }, { action: 'Count' }],
    },
  };
  const seen = faults('batch/v1.Job', { spec });
  for (const want of [
    'spec.maxFailedIndexes: Invalid value: 1: requires indexed completion mode',
    'spec.backoffLimitPerIndex: Required value: when maxFailedIndexes is specified',
    'spec.template.spec.restartPolicy: Invalid value: "OnFailure": only "Never" is supported when podFailurePolicy is specified',
    'spec.podFailurePolicy.rules[0].action: Invalid value: "FailIndex": requires the backoffLimitPerIndex to be set',
    'spec.podFailurePolicy.rules[0].onExitCodes.values[0]: Invalid value: 0: must not be 0 for the In operator',
    'spec.podFailurePolicy.rules[1]: Required value: specifying one of OnExitCodes and OnPodConditions is required',
  ])
    assert.ok(seen.includes(want), `${want}\n${seen.join('\n')}`);
});

test('label selectors are checked wherever they stand', () => {
  const selector = {
    matchExpressions: [
      { key: 'a', operator: 'In' },
      { key: 'b', operator: 'X' },
    ],
  };
  assert.deepEqual(faults('policy/v1.PodDisruptionBudget', { spec: { minAvailable: 1, selector } }), [
    "spec.selector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
    'spec.selector.matchExpressions[1].operator: Invalid value: "X": not a valid selector operator',
  ]);
});
