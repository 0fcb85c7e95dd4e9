import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AnyObject, NAMESPACES, SERVICES } from '#api/kube';
import { FakeKubeClient } from '#kube/client';
import { FakeLog } from '#runtime/log';
import { MIRROR } from '../mirror/index.ts';
import { LocalCluster } from './local-cluster.ts';

const mirror = (name: string, cluster: string): AnyObject => ({
  metadata: { name, namespace: 'shop', labels: { [MIRROR.mirroredService]: 'true', [MIRROR.clusterName]: cluster } },
  spec: { ports: [] },
});
const turns = async () => {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
};

test("other Links' mirrors that come or change wake nobody; what takes a name away from them does", async () => {
  const client = new FakeKubeClient().seed(NAMESPACES, { metadata: { name: 'shop' } });
  let changes = 0;
  const local = new LocalCluster(
    client,
    new FakeLog().log,
    () => {
      changes += 1;
    },
    ({ labels }) => labels[MIRROR.clusterName] === 'north',
  );
  await turns();
  assert.ok(local.synced);
  const during = async (work: () => Promise<unknown>): Promise<number> => {
    const before = changes;
    await work();
    await turns();
    return changes - before;
  };
  const north = mirror('web-north', 'north');
  assert.equal(await during(() => client.create(SERVICES, north)), 0);
  assert.ok(local.services.has('shop/web-north'), 'it is known all the same');
  assert.equal(await during(() => client.create(SERVICES, mirror('web-east', 'east'))), 1);
  const relabelled = { type: 'merge', body: { metadata: { labels: { [MIRROR.clusterName]: 'north' } } } } as const;
  const ref = { name: 'web-east', namespace: 'shop' };
  assert.equal(await during(() => client.patch(SERVICES, ref, relabelled)), 1, 'ours became theirs');
  assert.equal(await during(() => client.delete(SERVICES, { name: 'web-north', namespace: 'shop' })), 1);
  local.stop();
});
