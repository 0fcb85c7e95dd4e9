import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareVersions, Discovery, negotiateDiscovery, OpenApiV3 } from './index.ts';
import { DEPLOYMENTS, LINKS, PODS, served } from './served.fake.ts';

type Json = Record<string, unknown>;
/** Walks nested objects: `at(document, 'paths', '/api/v1/…', 'get')`. */
const at = (value: unknown, ...keys: (string | number)[]): unknown =>
  keys.reduce<unknown>((inner, key) => (inner as Json | undefined)?.[key], value);

function documentOf(path: string): Json {
  const openApi = new OpenApiV3('v1.34.4+test');
  openApi.update([PODS, DEPLOYMENTS, LINKS]);
  const document = openApi.document(path) ?? assert.fail(path);
  return JSON.parse(document.body) as Json;
}

test('every reference of a document is in it', () => {
  for (const path of ['api/v1', 'apis/apps/v1', 'apis/multicluster.linkerd.io/v1alpha3']) {
    const document = documentOf(path);
    for (const [, name = ''] of JSON.stringify(document).matchAll(/"#\/components\/schemas\/([^"]+)"/g))
      assert.ok(at(document, 'components', 'schemas', name), `${path}: ${name}`);
  }
});

test('PATCH names the kind, its media types and fieldValidation, as kubectl apply looks for', () => {
  const patch = at(
    documentOf('apis/apps/v1'),
    'paths',
    '/apis/apps/v1/namespaces/{namespace}/deployments/{name}',
    'patch',
  );
  assert.deepEqual(at(patch, 'x-kubernetes-group-version-kind'), { group: 'apps', kind: 'Deployment', version: 'v1' });
  assert.ok(at(patch, 'requestBody', 'content', 'application/strategic-merge-patch+json'));
  const names = (at(patch, 'parameters') as Json[]).map(({ name }) => name);
  assert.ok(names.includes('fieldValidation') && names.includes('force'));
});

test('custom resources take no strategic merge patch and keep their CRD schema', () => {
  const document = documentOf('apis/multicluster.linkerd.io/v1alpha3');
  const path = '/apis/multicluster.linkerd.io/v1alpha3/namespaces/{namespace}/links/{name}';
  const content = at(document, 'paths', path, 'patch', 'requestBody', 'content') as Json;
  assert.equal(content['application/strategic-merge-patch+json'], undefined);
  const link = at(document, 'components', 'schemas', 'io.linkerd.multicluster.v1alpha3.Link', 'properties');
  assert.deepEqual(at(link, 'spec', 'properties', 'port', 'x-kubernetes-int-or-string'), true);
  assert.ok(at(link, 'metadata', '$ref'));
});

test('merge keys and list keys stand on the fields', () => {
  const ports = at(
    documentOf('api/v1'),
    'components',
    'schemas',
    'io.k8s.api.core.v1.Container',
    'properties',
    'ports',
  );
  assert.equal(at(ports, 'x-kubernetes-patch-merge-key'), 'containerPort');
  assert.deepEqual(at(ports, 'x-kubernetes-list-map-keys'), ['containerPort', 'protocol']);
});

test('operation ids are unique', () => {
  const paths = documentOf('api/v1')['paths'] as Record<string, Record<string, Json>>;
  const ids = Object.values(paths).flatMap((methods) =>
    Object.values(methods).flatMap(({ operationId }) => operationId ?? []),
  );
  assert.equal(new Set(ids).size, ids.length);
});

test('a hash changes with its own group version only', () => {
  const openApi = new OpenApiV3('v1');
  openApi.update([PODS, LINKS]);
  const before = openApi.root();
  openApi.update([PODS, { ...LINKS, openApiSchema: { type: 'object' } }]);
  const after = openApi.root();
  assert.deepEqual(at(before, 'paths', 'api/v1'), at(after, 'paths', 'api/v1'));
  const link = ['paths', 'apis/multicluster.linkerd.io/v1alpha3'] as const;
  assert.notDeepEqual(at(before, ...link), at(after, ...link));
  assert.equal(openApi.document('apis/apps/v1'), undefined);
});

const TAP = {
  group: 'tap.linkerd.io',
  version: 'v1alpha1',
  resources: [
    { name: 'watch/pods/tap', namespaced: true, kind: 'Tap', verbs: ['watch'] },
    { name: 'pods', namespaced: true, kind: 'Pod', singularName: 'pod', verbs: ['get'] },
    { name: 'pods/tap', namespaced: true, kind: 'Tap', verbs: ['watch'] },
  ],
};

test('legacy discovery lists resources and subresources with their own kinds', () => {
  const discovery = new Discovery([PODS, DEPLOYMENTS], [], '10.0.0.1:6443');
  const list = discovery.resourceList('apps', 'v1') ?? assert.fail();
  const names = (list['resources'] as Json[]).map(({ name }) => name);
  assert.deepEqual(names, ['deployments', 'deployments/scale', 'deployments/status']);
  assert.equal(at(list, 'resources', 1, 'group'), 'autoscaling');
  assert.equal(discovery.resourceList('apps', 'v2'), undefined);
  assert.equal(at(discovery.group('apps'), 'preferredVersion', 'groupVersion'), 'apps/v1');
  assert.equal(discovery.group('x'), undefined);
  assert.deepEqual(discovery.apiVersions()['versions'], ['v1']);
});

test('aggregated discovery has the same facts, and versions of other servers', () => {
  const hpa = (version: string) =>
    served('autoscaling', version, 'horizontalpodautoscalers', 'HorizontalPodAutoscaler');
  const dead = { group: 'dead.example.com', version: 'v1' };
  const discovery = new Discovery([PODS, hpa('v1'), DEPLOYMENTS, LINKS, hpa('v2')], [TAP, dead], 'x');
  const { items } = discovery.aggregated('apis', 'v2') as { items: Json[] };
  assert.deepEqual(
    items.map((item) => at(item, 'metadata', 'name')),
    ['apps', 'autoscaling', 'dead.example.com', 'multicluster.linkerd.io', 'tap.linkerd.io'],
  );
  assert.deepEqual(
    (at(items, 1, 'versions') as Json[]).map(({ version }) => version),
    ['v2', 'v1'],
  );
  assert.equal(at(items, 2, 'versions', 0, 'freshness'), 'Stale');
  assert.equal(at(items, 4, 'versions', 0, 'resources', 1, 'subresources', 0, 'subresource'), 'tap');
  const core = discovery.aggregated('api', 'v2beta1') as { items: Json[] };
  assert.equal(at(core.items, 0, 'versions', 0, 'resources', 0, 'subresources', 0, 'responseKind', 'kind'), 'Eviction');
});

const ACCEPTS: readonly (readonly [string | undefined, string | undefined])[] = [
  [undefined, 'legacy'],
  ['*/*', 'legacy'],
  ['application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json', 'v2beta1'],
  ['application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList, application/json', 'v2'],
  ['application/vnd.kubernetes.protobuf, application/json', 'legacy'],
  ['application/vnd.kubernetes.protobuf', undefined],
];

test('the discovery form follows Accept', () => {
  for (const [accept, want] of ACCEPTS) assert.equal(negotiateDiscovery(accept)?.version, want, String(accept));
});

test('versions sort by stability, then number', () => {
  const sorted = ['v1beta1', 'foo', 'v2alpha1', 'v1', 'v10', 'v1beta2'].sort(compareVersions);
  assert.deepEqual(sorted, ['v10', 'v1', 'v1beta2', 'v1beta1', 'v2alpha1', 'foo']);
});
