import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { AnyObject, Status } from '#api/kube';
import { issueClientCertificate } from '#lab/auth';
import { type ApiError, hasReason } from '#lab/contract';
import { LoopbackClient } from './http/loopback-client.fake.ts';
import { type LoopbackServer, startLoopbackServer } from './loopback.fake.ts';

const CRDS = { group: 'apiextensions.k8s.io', version: 'v1', resource: 'customresourcedefinitions' };
const WIDGETS = { group: 'example.com', version: 'v1', resource: 'widgets' };
const PATH = '/apis/example.com/v1/namespaces/default/widgets';

let lab: LoopbackServer;
let http: LoopbackClient;

before(async () => {
  lab = await startLoopbackServer();
  const admin = await issueClientCertificate(lab.keys, { name: 'a', groups: ['system:masters'] }, Date.now());
  http = new LoopbackClient(lab.port, lab.keys.ca.certificate, admin);
  await lab.client.create(CRDS, definition('widgets', 'Widget'));
});

after(async () => {
  http.close();
  await lab.close();
});

function definition(
  plural: string,
  kind: string,
  versions: object[] = [version('v1', true), version('v1beta1', false)],
): AnyObject {
  return {
    metadata: { name: `${plural}.example.com` },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural, kind, shortNames: [plural.slice(0, 3)] },
      versions,
    },
  };
}

const version = (name: string, storage: boolean, extra: object = {}): object => ({
  name,
  served: true,
  storage,
  schema: {
    openAPIV3Schema: {
      type: 'object',
      properties: {
        spec: {
          type: 'object',
          required: ['size'],
          properties: {
            size: { type: 'integer', maximum: 10 },
            color: { type: 'string', default: 'red', enum: ['red', 'blue'] },
            replicas: { type: 'integer', default: 1 },
            ...extra,
          },
          'x-kubernetes-validations': [
            { rule: "self.color != 'blue' || self.size > 1", message: 'blue ones are larger' },
          ],
        },
        status: { type: 'object', properties: { replicas: { type: 'integer' }, selector: { type: 'string' } } },
      },
    },
  },
  subresources: {
    status: {},
    scale: {
      specReplicasPath: '.spec.replicas',
      statusReplicasPath: '.status.replicas',
      labelSelectorPath: '.status.selector',
    },
  },
  additionalPrinterColumns: [{ name: 'Size', type: 'integer', jsonPath: '.spec.size' }],
});

const widget = (name: string, spec: object, more: object = {}): AnyObject => ({
  apiVersion: 'example.com/v1',
  kind: 'Widget',
  metadata: { name, namespace: 'default' },
  spec,
  ...more,
});

const message = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => assert.fail('should have been refused'),
    (error: ApiError) => error.message,
  );

test('a definition is established in the write that brings it, and discovered at once', async () => {
  const crd = await lab.client.get<AnyObject & { status: { conditions: { type: string; status: string }[] } }>(
    CRDS,
    'widgets.example.com',
  );
  assert.deepEqual(
    crd.status.conditions.map(({ type, status }) => `${type}=${status}`),
    ['NamesAccepted=True', 'Established=True'],
  );
  const list = (await http.request('/apis/example.com/v1')).json<{ resources: { name: string }[] }>();
  assert.deepEqual(
    list.resources.map(({ name }) => name),
    ['widgets', 'widgets/scale', 'widgets/status'],
  );
});

test('custom resources are pruned, defaulted, validated and shown in their columns', async () => {
  const made = await lab.client.create(WIDGETS, widget('a', { size: 2, colour: 'x' }, { status: { replicas: 3 } }));
  assert.deepEqual(made['spec'], { size: 2, color: 'red', replicas: 1 });
  assert.equal(made['status'], undefined);
  assert.equal(made.metadata.generation, 1);
  assert.match(
    await message(lab.client.create(WIDGETS, widget('b', { size: 11 }))),
    /spec.size: Invalid value: 11: spec.size in body should be less than or equal to 10/,
  );
  assert.match(
    await message(lab.client.create(WIDGETS, widget('b', { size: 1, color: 'blue' }))),
    /Widget.example.com "b" is invalid: spec: Invalid value: .*: blue ones are larger/,
  );
  const table = await http.request(PATH, { headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' } });
  const { columnDefinitions, rows } = table.json<{
    columnDefinitions: { name: string }[];
    rows: { cells: unknown[] }[];
  }>();
  assert.deepEqual(
    columnDefinitions.map(({ name }) => name),
    ['Name', 'Size'],
  );
  assert.deepEqual(
    rows.map(({ cells }) => cells),
    [['a', 2]],
  );
});

test('status and scale are apart from the spec', async () => {
  await lab.client.create(WIDGETS, widget('s', { size: 1 }));
  const ref = { name: 's', namespace: 'default' };
  const status = { replicas: 1, selector: 'app=s' };
  const observed = await lab.client.patch<AnyObject>(WIDGETS, ref, {
    type: 'merge',
    body: { spec: { size: 5 }, status },
    subresource: 'status',
  });
  assert.deepEqual([observed['status'], (observed['spec'] as { size: number }).size], [status, 1]);
  const patched = await http.request(`${PATH}/s/scale`, {
    method: 'PATCH',
    headers: { 'content-type': 'application/merge-patch+json' },
    body: { spec: { replicas: 4 } },
  });
  const scale = patched.json<AnyObject>();
  assert.deepEqual([scale.kind, scale['spec'], scale['status']], ['Scale', { replicas: 4 }, status]);
  const scaled = await lab.client.get<AnyObject>(WIDGETS, 's', 'default');
  assert.equal((scaled['spec'] as { replicas: number }).replicas, 4);
  assert.equal(scaled.metadata.generation, 2);
});

test('an update without a revision and a protobuf or strategic body are refused', async () => {
  await lab.client.create(WIDGETS, widget('u', { size: 1 }));
  assert.match(
    await message(lab.client.update(WIDGETS, widget('u', { size: 2 }))),
    /metadata.resourceVersion: Invalid value: 0x0: must be specified for an update/,
  );
  const strategic = { 'content-type': 'application/strategic-merge-patch+json' };
  assert.equal((await http.request(`${PATH}/u`, { method: 'PATCH', headers: strategic, body: {} })).code, 415);
  const protobuf = { 'content-type': 'application/vnd.kubernetes.protobuf' };
  assert.equal((await http.request(PATH, { method: 'POST', headers: protobuf, body: 'k8s\0' })).code, 415);
});

test('the same object is served in every version, also to watches', async () => {
  await lab.client.create(WIDGETS, widget('v', { size: 1 }));
  const beta = (await http.request(`${PATH.replace('v1', 'v1beta1')}/v`)).json<AnyObject>();
  assert.equal(beta.apiVersion, 'example.com/v1beta1');
  const posted = await http.request(PATH.replace('v1', 'v1beta1'), {
    method: 'POST',
    body: { ...widget('v2', { size: 1 }), apiVersion: 'example.com/v1beta1' },
  });
  assert.equal(posted.code, 201, posted.text);
  assert.equal((await lab.client.get(WIDGETS, 'v2', 'default')).apiVersion, 'example.com/v1');
});

test('server-side apply of a custom resource conflicts by its schema', async () => {
  const ref = { name: 'ssa', namespace: 'default' };
  const body = widget('ssa', { size: 1 });
  await lab.client.patch(WIDGETS, ref, { type: 'apply', body, fieldManager: 'one' });
  const other = { type: 'apply' as const, body: widget('ssa', { size: 2 }), fieldManager: 'two' };
  assert.equal(
    await message(lab.client.patch(WIDGETS, ref, other)),
    'Apply failed with 1 conflict: conflict with "one": .spec.size',
  );
});

test('objects from before a default are read with it', async () => {
  await lab.client.create(CRDS, definition('olds', 'Old', [version('v1', true)]));
  const olds = { ...WIDGETS, resource: 'olds' };
  await lab.client.create(olds, { ...widget('o', { size: 1 }), kind: 'Old' });
  const crd = await lab.client.get<AnyObject>(CRDS, 'olds.example.com');
  const shape = { type: 'string', default: 'round' };
  const versions = [version('v1', true, { shape })];
  await lab.client.update(CRDS, { ...crd, spec: { ...(crd['spec'] as object), versions } } as AnyObject);
  const read = await lab.client.get<AnyObject>(olds, 'o', 'default');
  assert.deepEqual(read['spec'], { size: 1, color: 'red', replicas: 1, shape: 'round' });
});

test('a definition whose names are taken is not served until they are free', async () => {
  await lab.client.create(CRDS, definition('firsts', 'Shared'));
  const blocked = await lab.client.create<AnyObject>(CRDS, definition('seconds', 'Shared'));
  const { conditions } = blocked['status'] as { conditions: { type: string; status: string; reason: string }[] };
  assert.deepEqual(
    conditions.map(({ type, status }) => `${type}=${status}`),
    ['NamesAccepted=False', 'Established=False'],
  );
  const seconds = { ...WIDGETS, resource: 'seconds' };
  await assert.rejects(lab.client.list(seconds), (error) => hasReason(error, 'NotFound'));
  await lab.client.delete(CRDS, { name: 'firsts.example.com' });
  for (let attempt = 0; attempt < 1_000; attempt++) {
    if (lab.client.resources().some(({ gvr }) => gvr.resource === 'seconds')) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.fail('the second definition was never established');
});

test('deleting a definition removes its objects, ends its watches and waits for finalizers', async () => {
  await lab.client.create(CRDS, definition('gones', 'Gone', [version('v1', true)]));
  const gones = { ...WIDGETS, resource: 'gones' };
  const held = { ...widget('held', { size: 1 }), kind: 'Gone' };
  await lab.client.create(gones, { ...held, metadata: { ...held.metadata, finalizers: ['example.com/hold'] } });
  await lab.client.create(gones, { ...widget('free', { size: 1 }), kind: 'Gone' });
  const watched = http.request(`${PATH.replace('widgets', 'gones')}?watch=1&resourceVersion=${lab.store.revision}`);
  await lab.client.delete(CRDS, { name: 'gones.example.com' });
  for (let attempt = 0; attempt < 1_000; attempt++) {
    if ((await lab.client.list(gones)).items.length === 1) break;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.ok((await lab.client.get(CRDS, 'gones.example.com')).metadata.deletionTimestamp);
  await lab.client.patch(
    gones,
    { name: 'held', namespace: 'default' },
    { type: 'merge', body: { metadata: { finalizers: null } } },
  );
  const lines = (await watched).text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { type: string; object: AnyObject });
  assert.ok(lines.some(({ type, object }) => type === 'DELETED' && object.metadata.name === 'held'));
  const answer = await http.request('/apis/apiextensions.k8s.io/v1/customresourcedefinitions/gones.example.com');
  assert.equal(
    answer.json<Status>().message,
    'customresourcedefinitions.apiextensions.k8s.io "gones.example.com" not found',
  );
  assert.equal((await http.request(PATH.replace('widgets', 'gones'))).code, 404);
});
