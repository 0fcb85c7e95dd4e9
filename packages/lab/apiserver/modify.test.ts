import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasReason } from '#lab/contract';
import { startLoopbackServer } from './loopback.fake.ts';

const nodes = { group: '', version: 'v1', resource: 'nodes' } as const;

test('patches that race all land; of racing updates that name a revision one does', async () => {
  const server = await startLoopbackServer();
  try {
    const { client } = server;
    const node = await client.create(nodes, { metadata: { name: 'n1' } });
    const label = (key: string) =>
      client.patch(nodes, { name: 'n1' }, { type: 'merge', body: { metadata: { labels: { [key]: 'x' } } } });
    await Promise.all(['a', 'b', 'c', 'd'].map(label));
    const now = await client.get(nodes, 'n1');
    assert.deepEqual(Object.keys(now.metadata.labels ?? {}).sort(), ['a', 'b', 'c', 'd']);
    const relabel = (value: string) =>
      client.update(nodes, { ...now, metadata: { ...now.metadata, labels: { value } } });
    const outcomes = await Promise.allSettled(['1', '2', '3'].map(relabel));
    const refused = outcomes.filter((each) => each.status === 'rejected' && hasReason(each.reason, 'Conflict'));
    assert.equal(refused.length, 2);
    await assert.rejects(client.update(nodes, { ...node, metadata: { ...node.metadata, labels: {} } }), (error) =>
      hasReason(error, 'Conflict'),
    );
  } finally {
    await server.close();
  }
});
