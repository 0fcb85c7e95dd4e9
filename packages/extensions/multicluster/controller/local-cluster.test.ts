import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AnyObject, NAMESPACES, SERVICES } from '#api/kube';
import { FakeKubeClient, type WatchSink } from '#kube/client';
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

test("other Links' mirrors are not seen; a Service that becomes one, or is one no more, goes and comes", async () => {
  const client = new FakeKubeClient().seed(NAMESPACES, { metadata: { name: 'shop' } });
  let changes = 0;
  const changed = (): void => {
    changes += 1;
  };
  const local = new LocalCluster(client, new FakeLog().log, changed, {
    cluster: 'east',
    concerns: ({ name }) => name !== 'dull',
  });
  await turns();
  assert.ok(local.synced);
  const during = async (work: () => Promise<unknown>): Promise<number> => {
    const before = changes;
    await work();
    await turns();
    return changes - before;
  };
  const relabel = (name: string, cluster: string | null) => () =>
    client.patch(
      SERVICES,
      { name, namespace: 'shop' },
      { type: 'merge', body: { metadata: { labels: { [MIRROR.clusterName]: cluster } } } },
    );
  assert.equal(await during(() => client.create(SERVICES, mirror('web-north', 'north'))), 0);
  assert.equal(await during(() => client.create(SERVICES, mirror('web-east', 'east'))), 1);
  assert.equal(await during(() => client.create(SERVICES, { metadata: { name: 'dull', namespace: 'shop' } })), 0);
  assert.deepEqual([...local.services.keys()].sort(), ['shop/dull', 'shop/web-east']);
  assert.ok((await during(relabel('web-east', 'north'))) > 0, 'ours became theirs');
  assert.deepEqual([...local.services.keys()], ['shop/dull']);
  assert.ok((await during(relabel('web-north', null))) > 0, 'theirs became nobody’s');
  assert.ok((await during(relabel('web-north', 'east'))) > 0, 'and then ours');
  assert.equal(local.services.get('shop/web-north')?.labels[MIRROR.clusterName], 'east');
  assert.equal(await during(() => client.delete(SERVICES, { name: 'web-east', namespace: 'shop' })), 0);
  local.stop();
});

test('what was written is known before the watch tells, and what the watch tells of before is not', async () => {
  const client = new FakeKubeClient().seed(NAMESPACES, { metadata: { name: 'shop' } });
  client.seed(SERVICES, { metadata: { name: 'web', namespace: 'shop' } });
  const sinks: WatchSink<AnyObject>[] = [];
  const late: Pick<FakeKubeClient, 'watch'> = {
    watch: (gvr, options, sink) => {
      if (gvr === SERVICES) sinks.push(sink as unknown as WatchSink<AnyObject>);
      return client.watch(gvr, options, gvr === SERVICES ? { ...sink, applied: () => {}, deleted: () => {} } : sink);
    },
  };
  const local = new LocalCluster(late, new FakeLog().log, () => {});
  await turns();
  const writer = local.learning(client);
  const label = async (note: string): Promise<AnyObject> => {
    const web = await writer.get<AnyObject>(SERVICES, 'web', 'shop');
    return writer.update(SERVICES, { ...web, metadata: { ...web.metadata, labels: { note } } });
  };
  const said = (): string | undefined => local.services.get('shop/web')?.labels['note'];
  const first = await label('first');
  assert.equal(said(), 'first');
  const second = await label('second');
  sinks[0]?.applied(first);
  assert.equal(said(), 'second', 'what the watch tells late is old');
  sinks[0]?.deleted(second);
  await writer.get(SERVICES, 'web', 'shop');
  assert.equal(
    local.services.size,
    0,
    'what the watch says is gone does not come back by an answer that was under way',
  );
  local.stop();
});
