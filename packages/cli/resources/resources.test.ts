import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AnyObject, CRON_JOBS, DEPLOYMENTS, JOBS, type KubeObject, PODS, SERVICES } from '#api/kube';
import { FakeKubeClient } from '#kube/client';
import { kindNamed, podsOf, RESOURCE_KINDS } from './index.ts';

const named = (name: string, more: object = {}): KubeObject =>
  ({ metadata: { name, namespace: 'shop' }, ...more }) as KubeObject;

function cluster(): FakeKubeClient {
  const client = new FakeKubeClient();
  const pod = (name: string, app: string) => ({ metadata: { name, namespace: 'shop', labels: { app } } }) as AnyObject;
  client.seed(PODS, pod('web-2', 'web'), pod('web-1', 'web'), pod('db-0', 'db'), pod('nightly-x', 'nightly'));
  const selecting = (app: string) => ({ spec: { selector: { matchLabels: { app } } } });
  client.seed(DEPLOYMENTS, named('web', selecting('web')), named('db', selecting('db')));
  client.seed(SERVICES, named('web', { spec: { selector: { app: 'web' } } }), named('external', { spec: {} }));
  client.seed(CRON_JOBS, named('nightly'));
  const owner = [{ apiVersion: 'batch/v1', kind: 'CronJob', name: 'nightly', uid: 'n' }];
  client.seed(JOBS, {
    metadata: { name: 'nightly-1', namespace: 'shop', ownerReferences: owner },
    ...selecting('nightly'),
  } as KubeObject);
  return client;
}

test('pods are found behind every kind that has some, by any name of it', async () => {
  const client = cluster();
  const names = async (resource: string) =>
    (await podsOf(client, 'shop', resource)).map(({ metadata }) => metadata.name);
  assert.deepEqual(await names('deploy/web'), ['web-1', 'web-2']);
  assert.deepEqual(await names('services/web'), ['web-1', 'web-2']);
  assert.deepEqual(await names('po/db-0'), ['db-0']);
  assert.deepEqual(await names('cj/nightly'), ['nightly-x']);
  assert.deepEqual(await names('ns/shop'), ['db-0', 'nightly-x', 'web-1', 'web-2']);
  assert.deepEqual(await names('Deployment'), ['db-0', 'web-1', 'web-2']);
  assert.deepEqual(await names('svc'), ['web-1', 'web-2'], 'one that selects nothing adds nothing');
});

test('what is not there, has no pods, or is no kind is said', async () => {
  const client = cluster();
  await assert.rejects(podsOf(client, 'shop', 'deploy/gone'), /deploy\/gone does not exist in namespace shop/);
  await assert.rejects(podsOf(client, 'shop', 'svc/external'), /service\/external selects no pods/);
  await assert.rejects(podsOf(client, 'shop', 'srv/web'), /"srv\/web" is not TYPE\/NAME; types are ns, ds, sts, jobs/);
  await assert.rejects(podsOf(client, 'shop', 'deploy/a/b'), /is not TYPE\/NAME/);
});

test('no name means two kinds', () => {
  const names = RESOURCE_KINDS.flatMap((kind) => kind.names);
  assert.equal(new Set(names).size, names.length);
  assert.equal(kindNamed('SAZ')?.names[0], 'serverauthorization');
});
