import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type AnyObject,
  API_SERVICES,
  CLUSTER_ROLE_BINDINGS,
  CLUSTER_ROLES,
  CONFIG_MAPS,
  NAMESPACES,
  PODS,
  SECRETS,
} from '#api/kube';
import { FakeKubeClient } from '#kube/client';
import { createWebhookCertificate } from '../certificates/index.ts';
import { FakeIo, fakeContext } from '../io.fake.ts';
import { runCategories } from './engine.ts';
import { CheckSubject } from './subject.ts';
import { vizCategory } from './viz.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');

async function installed(): Promise<FakeKubeClient> {
  const client = new FakeKubeClient();
  const namespace = 'viz';
  client.seed(NAMESPACES, { metadata: { name: namespace, labels: { 'linkerd.io/extension': 'viz' } } });
  const names = (...all: string[]) => all.map((name) => ({ metadata: { name } }));
  const common = ['linkerd-viz-tap', 'linkerd-viz-metrics-api', 'linkerd-tap-injector', 'linkerd-viz-prometheus'];
  client.seed(CLUSTER_ROLES, ...names(...common, 'linkerd-viz-tap-admin'));
  client.seed(CLUSTER_ROLE_BINDINGS, ...names(...common, 'linkerd-viz-tap-auth-delegator'));
  client.seed(CONFIG_MAPS, { metadata: { name: 'prometheus-config', namespace } });
  const { certificate } = await createWebhookCertificate('tap', namespace);
  client.seed(SECRETS, {
    metadata: { name: 'tap-k8s-tls', namespace },
    data: { 'tls.crt': base64(certificate) },
  } as AnyObject);
  client.seed(API_SERVICES, {
    metadata: { name: 'v1alpha1.tap.linkerd.io' },
    spec: { caBundle: base64(certificate) },
    status: { conditions: [{ type: 'Available', status: 'True' }] },
  } as AnyObject);
  for (const component of ['web', 'tap', 'metrics-api', 'tap-injector', 'prometheus'])
    client.seed(PODS, {
      metadata: { name: component, namespace, labels: { component } },
      spec: { containers: [{ name: component }, { name: 'linkerd-proxy', image: 'proxy:v1' }] },
      status: {
        phase: 'Running',
        containerStatuses: [
          { name: component, ready: true },
          { name: 'linkerd-proxy', ready: true },
        ],
      },
    } as unknown as AnyObject);
  return client;
}

async function problems(client: FakeKubeClient): Promise<string[]> {
  const subject = new CheckSubject(fakeContext(client, new FakeIo()));
  const [category] = await runCategories([vizCategory(subject, { cliVersion: 'v1' })], { deadlineMs: 0 });
  return (category?.results ?? []).flatMap(({ result, description, error }) =>
    result === 'success' ? [] : [`${result} ${description}: ${error}`],
  );
}

test('an extension that is whole passes', async () => {
  assert.deepEqual(await problems(await installed()), []);
});

test('what is missing, not ready or not trusted is named', async () => {
  const client = await installed();
  client.seed(API_SERVICES, {
    metadata: { name: 'v1alpha1.tap.linkerd.io' },
    spec: { caBundle: base64((await createWebhookCertificate('tap', 'viz')).certificate) },
  } as AnyObject);
  assert.match(
    (await problems(client)).join(),
    /^error tap API server has valid cert: x509: certificate signed by unknown/,
  );
  const other = await installed();
  await other.delete(PODS, { name: 'tap', namespace: 'viz' });
  await other.delete(CONFIG_MAPS, { name: 'prometheus-config', namespace: 'viz' });
  assert.deepEqual(await problems(other), [
    'warning viz extension pods are running: No running pods for:\n* tap',
    'warning prometheus is installed and configured correctly: missing ConfigMaps:\n* prometheus-config',
  ]);
  assert.match((await problems(new FakeKubeClient())).join(), /^error linkerd-viz Namespace exists: could not find/);
});
