import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import type { AnyObject } from '#api/kube';
import { createTrust } from '../certificates/index.ts';
import { parseManifests, renderManifests } from '../output/index.ts';
import {
  applyHighAvailability,
  CRD_DEFAULTS,
  defaultValues,
  differences,
  mergeValues,
  parseSet,
  renderControlPlane,
  renderCrds,
  type Values,
  webhookCertificates,
} from './index.ts';

let values: Values;
let objects: AnyObject[];
before(async () => {
  const trust = await createTrust('identity.linkerd.cluster.local');
  values = defaultValues();
  values.identityTrustAnchorsPEM = trust.anchors;
  values.identity.issuer.tls = { crtPEM: trust.issuer.certificate, keyPEM: trust.issuer.key };
  objects = await render(values);
});

const render = async (of: Values): Promise<AnyObject[]> =>
  renderControlPlane({ namespace: 'linkerd', values: of }, await webhookCertificates(of, 'linkerd'), defaultValues());
const find = (kind: string, name: string, among = objects): AnyObject => {
  const found = among.find((object) => object.kind === kind && object.metadata.name === name);
  assert.ok(found, `${kind} ${name}`);
  return found;
};
interface Container {
  name: string;
  image: string;
  args?: string[];
  env?: { name: string; value?: string }[];
  restartPolicy?: string;
  resources?: unknown;
}
const podOf = (name: string, among = objects) =>
  (
    find('Deployment', name, among)['spec'] as {
      template: { spec: Record<'containers' | 'initContainers', Container[]> };
    }
  ).template.spec;

test('every name that Linkerd’s control plane has is there', () => {
  const names = objects.map(({ kind, metadata }) => `${kind}/${metadata.name}`);
  assert.equal(new Set(names).size, names.length, 'no object twice');
  for (const name of [
    'Namespace/linkerd',
    'ClusterRole/linkerd-linkerd-identity',
    'ClusterRole/linkerd-linkerd-destination',
    'ClusterRole/linkerd-policy',
    'ClusterRole/linkerd-linkerd-proxy-injector',
    'ServiceAccount/linkerd-destination',
    'Role/remote-discovery',
    'Secret/linkerd-proxy-injector-k8s-tls',
    'MutatingWebhookConfiguration/linkerd-proxy-injector-webhook-config',
    'ValidatingWebhookConfiguration/linkerd-sp-validator-webhook-config',
    'ValidatingWebhookConfiguration/linkerd-policy-validator-webhook-config',
    'ConfigMap/linkerd-config',
    'ConfigMap/linkerd-identity-trust-roots',
    'Secret/linkerd-identity-issuer',
    'Service/linkerd-dst',
    'Service/linkerd-dst-headless',
    'Service/linkerd-policy',
    'Service/linkerd-identity-headless',
    'Service/linkerd-proxy-injector',
    'Deployment/linkerd-identity',
    'Deployment/linkerd-destination',
    'Deployment/linkerd-proxy-injector',
    'Secret/linkerd-config-overrides',
  ])
    assert.ok(names.includes(name), name);
});

test('pods carry their own proxies; identity’s is no native sidecar, since it waits for nobody', () => {
  const destination = podOf('linkerd-destination');
  assert.deepEqual(
    destination.containers.map(({ name }) => name),
    ['destination', 'sp-validator', 'policy'],
  );
  assert.deepEqual(
    destination.initContainers.map(({ name }) => name),
    ['linkerd-init', 'linkerd-proxy'],
  );
  assert.equal(destination.initContainers[1]?.restartPolicy, 'Always');
  const identity = podOf('linkerd-identity');
  assert.deepEqual(
    identity.containers.map(({ name }) => name),
    ['identity', 'linkerd-proxy'],
  );
  assert.deepEqual(
    identity.initContainers.map(({ name }) => name),
    ['linkerd-init'],
  );
  const env = (pod: { containers: Container[]; initContainers: Container[] }, name: string) =>
    [...pod.containers, ...pod.initContainers]
      .find((container) => container.name === 'linkerd-proxy')
      ?.env?.find((variable) => variable.name === `LINKERD2_PROXY_${name}`)?.value;
  assert.equal(env(identity, 'IDENTITY_SVC_ADDR'), 'localhost.:8080');
  assert.equal(env(identity, 'INBOUND_PORTS_REQUIRE_TLS'), '8080');
  assert.equal(env(destination, 'DESTINATION_SVC_ADDR'), 'localhost.:8086');
  assert.equal(env(destination, 'POLICY_SVC_ADDR'), 'localhost.:8090');
  const init = destination.initContainers[0]?.args ?? [];
  assert.equal(init[init.indexOf('--outbound-ports-to-ignore') + 1], '4567,4568,443,6443');
});

test('the configuration that everyone may read holds no private key, the overrides do', () => {
  const config = find('ConfigMap', 'linkerd-config')['data'] as Record<string, string>;
  assert.match(config['values'] ?? '', /BEGIN CERTIFICATE/);
  assert.doesNotMatch(config['values'] ?? '', /PRIVATE KEY/);
  const data = find('Secret', 'linkerd-config-overrides')['data'] as Record<string, string>;
  const overrides = Buffer.from(data['linkerd-config-overrides'] ?? '', 'base64').toString();
  const [tree] = parseManifests(overrides, 'overrides');
  assert.deepEqual(Object.keys(tree ?? {}).sort(), ['identity', 'identityTrustAnchorsPEM']);
});

test('high availability is three replicas that avoid each other, budgets, and webhooks that fail closed', async () => {
  const ha = structuredClone(values);
  applyHighAvailability(ha);
  const among = await render(ha);
  assert.equal((find('Deployment', 'linkerd-identity', among)['spec'] as { replicas: number }).replicas, 3);
  assert.equal(among.filter(({ kind }) => kind === 'PodDisruptionBudget').length, 3);
  assert.match(
    JSON.stringify(find('MutatingWebhookConfiguration', 'linkerd-proxy-injector-webhook-config', among)),
    /"failurePolicy":"Fail"/,
  );
  assert.deepEqual(podOf('linkerd-identity', among).containers[0]?.resources, {
    limits: { memory: '250Mi' },
    requests: { cpu: '100m', memory: '10Mi' },
  });
});

test('what is printed is what was meant: YAML reads back to the same objects', () => {
  assert.deepEqual(
    parseManifests(renderManifests(objects), 'install'),
    JSON.parse(JSON.stringify(objects)) as unknown[],
  );
});

test('definitions have exactly one storage version each, and schemas that are structural', () => {
  const crds = renderCrds({ namespace: 'linkerd', values: { ...CRD_DEFAULTS, installGatewayAPI: true } });
  assert.equal(crds.length, 14);
  for (const crd of crds) {
    const { versions } = crd['spec'] as { versions: { storage: boolean; schema: { openAPIV3Schema: object } }[] };
    const name = crd.metadata.name ?? '';
    assert.equal(versions.filter(({ storage }) => storage).length, 1, name);
    for (const { schema } of versions) structural(schema.openAPIV3Schema as Schema, name);
  }
});

interface Schema {
  type?: string;
  properties?: Record<string, Schema>;
  items?: Schema;
  required?: string[];
  'x-kubernetes-int-or-string'?: boolean;
}

/** Every node says its type, required fields exist, lists say what is in them: what an API server insists on. */
function structural(schema: Schema, path: string): void {
  assert.ok(schema.type || schema['x-kubernetes-int-or-string'], `${path} has a type`);
  for (const name of schema.required ?? []) assert.ok(schema.properties?.[name], `${path}.${name} is declared`);
  if (schema.type === 'array') assert.ok(schema.items, `${path} has items`);
  for (const [name, inner] of Object.entries(schema.properties ?? {})) structural(inner, `${path}.${name}`);
  if (schema.items) structural(schema.items, `${path}[]`);
}

test('--set is read as Helm reads it', () => {
  assert.deepEqual(parseSet('a.b=1,c={x,2},d\\.e=true,f=null,g=1.5,h=a\\,b', 'typed'), {
    a: { b: 1 },
    c: ['x', 2],
    'd.e': true,
    f: null,
    g: '1.5',
    h: 'a,b',
  });
  assert.deepEqual(parseSet('a=1', 'string'), { a: '1' });
  const list = parseSet('a[0].b.c=1,a[1]=x', 'typed', { a: [{ d: 2 }], e: 3 });
  assert.deepEqual(list, { a: [{ d: 2, b: { c: 1 } }, 'x'], e: 3 });
  assert.throws(() => parseSet('a[99999]=1', 'typed'), /at most 1000 items/);
  assert.throws(() => parseSet('novalue', 'typed'), /expected key=value/);
});

test('unknown values are named, maps of the user’s are free, differences are what was changed', () => {
  const changed = defaultValues();
  assert.deepEqual(mergeValues(changed, { proxy: { nosuch: 1, uid: 7 }, podLabels: { team: 'a' } }), ['proxy.nosuch']);
  assert.deepEqual(differences(changed, defaultValues()), { proxy: { nosuch: 1, uid: 7 }, podLabels: { team: 'a' } });
});

test('the policy service may do all that writing statuses takes, as the account of its pod', () => {
  interface Role {
    rules: { apiGroups: string[]; resources: string[]; verbs: string[] }[];
  }
  const rules = ['linkerd-linkerd-destination', 'linkerd-policy'].flatMap(
    (name) => (find('ClusterRole', name) as unknown as Role).rules,
  );
  const may = (verb: string, group: string, resource: string) =>
    rules.some(
      ({ apiGroups, resources, verbs }) =>
        apiGroups.includes(group) && resources.includes(resource) && verbs.includes(verb),
    );
  const statuses: Record<string, string[]> = {
    'policy.linkerd.io': ['httproutes', 'httplocalratelimitpolicies', 'egressnetworks'],
    'gateway.networking.k8s.io': ['httproutes', 'grpcroutes', 'tlsroutes', 'tcproutes'],
  };
  for (const [group, resources] of Object.entries(statuses))
    for (const resource of resources) {
      assert.ok(may('patch', group, `${resource}/status`), `${resource}.${group}/status`);
      assert.ok(may('watch', group, resource) && may('list', group, resource), `${resource}.${group}`);
      assert.ok(!may('patch', group, resource), `only the status of ${resource}.${group}`);
    }
  for (const verb of ['get', 'create', 'update']) assert.ok(may(verb, 'coordination.k8s.io', 'leases'), verb);
  assert.ok(may('get', 'apps', 'deployments'), 'the owner of the lease');
  for (const resource of ['services', 'pods']) assert.ok(may('watch', '', resource), resource);
  const bindings = objects.filter(({ kind }) => kind === 'ClusterRoleBinding') as unknown as {
    roleRef: { name: string };
    subjects: { name: string }[];
  }[];
  for (const role of ['linkerd-linkerd-destination', 'linkerd-policy'])
    assert.ok(
      bindings.some(
        ({ roleRef, subjects }) => roleRef.name === role && subjects.some(({ name }) => name === 'linkerd-destination'),
      ),
      role,
    );
});
