import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toNormalForm } from '../normal-form.ts';
import { builtins } from '../types.ts';
import { DEFAULTS } from './index.ts';

type Json = Record<string, unknown>;
const defaulted = (type: string, value: unknown) => toNormalForm(type, value, { defaults: DEFAULTS }).object;

const CONTAINER = {
  name: 'a',
  image: 'web:1',
  resources: {},
  terminationMessagePath: '/dev/termination-log',
  terminationMessagePolicy: 'File',
  imagePullPolicy: 'IfNotPresent',
};
const POD_SPEC = {
  containers: [CONTAINER],
  restartPolicy: 'Always',
  terminationGracePeriodSeconds: 30,
  dnsPolicy: 'ClusterFirst',
  securityContext: {},
  schedulerName: 'default-scheduler',
};

test('every defaulted struct and field exists', () => {
  for (const [id, rules] of Object.entries(DEFAULTS))
    for (const field of Object.keys(rules.fields ?? {}))
      assert.ok(builtins.type(id).fields.has(field), `${id}.${field}`);
});

test('a bare Deployment becomes a full one', () => {
  const given = { spec: { selector: {}, template: { spec: { containers: [{ name: 'a', image: 'web:1' }] } } } };
  assert.deepEqual(defaulted('apps/v1.Deployment', given), {
    metadata: {},
    spec: {
      replicas: 1,
      selector: {},
      template: { metadata: {}, spec: POD_SPEC },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' } },
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
    },
    status: {},
  });
});

test('only pods get service links and requests from limits', () => {
  const spec = {
    containers: [{ ...CONTAINER, resources: { limits: { cpu: '1', memory: '1Mi' }, requests: { cpu: '0.5' } } }],
  };
  const pod = defaulted('core/v1.Pod', { spec: { ...spec, serviceAccountName: 'x' } })['spec'] as Json;
  const [container] = pod['containers'] as { resources: Json }[];
  assert.deepEqual(container?.resources['requests'], { cpu: '500m', memory: '1Mi' });
  assert.equal(pod['enableServiceLinks'], true);
  assert.equal(pod['serviceAccount'], 'x');
  const template = defaulted('core/v1.PodTemplateSpec', { spec })['spec'] as Json;
  assert.equal(template['enableServiceLinks'], undefined);
});

test('pull policy follows the tag', () => {
  const policyOf = (image: string) => defaulted('core/v1.Container', { name: 'a', image })['imagePullPolicy'];
  assert.equal(policyOf('web'), 'Always');
  assert.equal(policyOf('host:5000/web'), 'Always');
  assert.equal(policyOf('host:5000/web:latest'), 'Always');
  assert.equal(policyOf('host:5000/web:1'), 'IfNotPresent');
  assert.equal(policyOf('web@sha256:ab'), 'IfNotPresent');
});

test('a Service gets type, affinity, traffic policies and target ports', () => {
  assert.deepEqual(defaulted('core/v1.Service', { spec: { type: 'LoadBalancer', ports: [{ port: 80 }] } })['spec'], {
    ports: [{ protocol: 'TCP', port: 80, targetPort: 80 }],
    type: 'LoadBalancer',
    sessionAffinity: 'None',
    externalTrafficPolicy: 'Cluster',
    allocateLoadBalancerNodePorts: true,
    internalTrafficPolicy: 'Cluster',
  });
});

test('stringData is folded into data and wins', () => {
  const secret = defaulted('core/v1.Secret', { data: { a: 'eA==', b: 'eA==' }, stringData: { a: 'y' } });
  assert.deepEqual(secret, { metadata: {}, data: { a: 'eQ==', b: 'eA==' }, type: 'Opaque' });
});

test('webhooks, bindings, CRDs and jobs are completed', () => {
  const config = defaulted('admissionregistration/v1.MutatingWebhookConfiguration', {
    webhooks: [
      { name: 'a', clientConfig: { service: { name: 's', namespace: 'n' } }, rules: [{}], sideEffects: 'None' },
    ],
  });
  const [hook] = config['webhooks'] as Json[];
  assert.deepEqual(
    [hook?.['failurePolicy'], hook?.['timeoutSeconds'], hook?.['reinvocationPolicy'], hook?.['namespaceSelector']],
    ['Fail', 10, 'Never', {}],
  );
  assert.deepEqual(hook?.['rules'], [{ scope: '*' }]);
  const binding = defaulted('rbac/v1.ClusterRoleBinding', { roleRef: { kind: 'ClusterRole', name: 'x' } });
  assert.equal((binding['roleRef'] as Json)['apiGroup'], 'rbac.authorization.k8s.io');
  const crd = defaulted('apiextensions/v1.CustomResourceDefinition', {
    spec: { names: { kind: 'Link', plural: 'links' }, versions: [{ name: 'v1', storage: true }] },
  });
  assert.deepEqual((crd['spec'] as Json)['conversion'], { strategy: 'None' });
  assert.deepEqual((crd['status'] as Json)['storedVersions'], ['v1']);
  const job = defaulted('batch/v1.Job', { spec: { parallelism: 2, template: { metadata: { labels: { a: 'b' } } } } });
  assert.deepEqual(job['metadata'], { labels: { a: 'b' } });
  assert.equal((job['spec'] as Json)['completions'], undefined);
});

test('defaulting twice changes nothing', () => {
  const once = defaulted('apps/v1.StatefulSet', { spec: { volumeClaimTemplates: [{}], template: { spec: {} } } });
  assert.deepEqual(defaulted('apps/v1.StatefulSet', once), once);
});
