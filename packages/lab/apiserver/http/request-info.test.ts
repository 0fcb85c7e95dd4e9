import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pinnedName } from '../selection.ts';
import { negotiate } from './negotiation.ts';
import { readRequestInfo } from './request-info.ts';

/** Request line -> verb group/version resource[/subresource] in namespace, name. */
const CASES: readonly (readonly [string, string])[] = [
  ['GET /api/v1/pods', 'list /v1 pods'],
  ['GET /api/v1/namespaces/n/pods', 'list /v1 pods in n'],
  ['GET /api/v1/namespaces/n/pods?watch=true', 'watch /v1 pods in n'],
  ['GET /api/v1/namespaces/n/pods?watch=false', 'list /v1 pods in n'],
  ['GET /api/v1/namespaces/n/pods/p', 'get /v1 pods in n named p'],
  ['HEAD /api/v1/namespaces/n/pods/p', 'get /v1 pods in n named p'],
  ['GET /api/v1/namespaces/n/pods?fieldSelector=metadata.name%3Dp', 'list /v1 pods in n named p'],
  ['GET /api/v1/namespaces/n/pods?fieldSelector=metadata.name!%3Dp', 'list /v1 pods in n'],
  ['POST /apis/apps/v1/namespaces/n/deployments', 'create apps/v1 deployments in n'],
  ['DELETE /apis/apps/v1/namespaces/n/deployments', 'deletecollection apps/v1 deployments in n'],
  ['DELETE /apis/apps/v1/namespaces/n/deployments/d', 'delete apps/v1 deployments in n named d'],
  ['PATCH /apis/apps/v1/namespaces/n/deployments/d/scale', 'patch apps/v1 deployments/scale in n named d'],
  ['PUT /api/v1/namespaces/n/status', 'update /v1 namespaces/status in n named n'],
  ['PUT /api/v1/namespaces/n/finalize', 'update /v1 namespaces/finalize in n named n'],
  ['GET /api/v1/namespaces/n', 'get /v1 namespaces in n named n'],
  ['GET /api/v1/namespaces', 'list /v1 namespaces'],
  ['GET /api/v1/watch/namespaces/n/pods/p', 'watch /v1 pods in n named p'],
  [
    'POST /apis/tap.linkerd.io/v1alpha1/watch/namespaces/n/pods/p/tap',
    'watch tap.linkerd.io/v1alpha1 pods/tap in n named p',
  ],
  ['GET /api/v1/namespaces/n/services/http:s:80/proxy/a/b', 'get /v1 services/proxy in n named http:s:80'],
  ['GET /api/v1/nodes/a%2Fb', 'get /v1 nodes named a/b'],
  ['GET /apis/apps/v1', 'GET'],
  ['GET /api', 'GET'],
  ['GET /version', 'GET'],
];

test('requests are understood as Kubernetes understands them', () => {
  for (const [line, expected] of CASES) {
    const [method = '', url = ''] = line.split(' ');
    const info = readRequestInfo(method, url, pinnedName);
    const { verb, group, version, resource, subresource, namespace, name } = info;
    const what = subresource ? `${resource}/${subresource}` : resource;
    const where = `${namespace ? ` in ${namespace}` : ''}${name ? ` named ${name}` : ''}`;
    const found = info.isResource ? `${verb} ${group}/${version} ${what}${where}` : method;
    assert.equal(found, expected, line);
  }
});

test('the first acceptable shape wins, and protobuf is passed over', () => {
  const shape = (accept: string | undefined) => {
    const { media, as, metaVersion } = negotiate(accept);
    return `${media} ${as} ${metaVersion}`;
  };
  assert.equal(shape(undefined), 'json object v1');
  assert.equal(shape('application/vnd.kubernetes.protobuf, */*'), 'json object v1');
  assert.equal(shape('application/yaml'), 'yaml object v1');
  assert.equal(shape('application/json;as=Table;v=v1;g=meta.k8s.io,application/json'), 'json table v1');
  assert.equal(shape('application/json;as=Table;v=v9;g=meta.k8s.io,application/json'), 'json object v1');
  assert.equal(
    shape(
      'application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1beta1',
    ),
    'json partial v1beta1',
  );
  assert.throws(() => negotiate('application/vnd.kubernetes.protobuf'), /only the following media types are accepted/);
});
