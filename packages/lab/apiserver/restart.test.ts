import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { AnyObject } from '#api/kube';
import { sqliteLog } from '#lab/store';
import { LoopbackClient } from './http/loopback-client.fake.ts';
import { startLoopbackServer } from './loopback.fake.ts';

const core = (resource: string) => ({ group: '', version: 'v1', resource });
const CRDS = { group: 'apiextensions.k8s.io', version: 'v1', resource: 'customresourcedefinitions' };
const THINGS = { group: 'example.com', version: 'v1', resource: 'things' };

test('after a restart the cluster is the same: objects, revisions, addresses, custom resources, tokens', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-restart-'));
  const path = join(folder, 'state.db');
  try {
    const first = await startLoopbackServer({ log: sqliteLog(path) });
    const spec = { ports: [{ port: 80 }] };
    const made = await first.client.create<AnyObject>(core('services'), {
      metadata: { name: 's', namespace: 'default' },
      spec,
    });
    await first.client.create(core('serviceaccounts'), { metadata: { name: 'a', namespace: 'default' } });
    const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
    await first.client.create(CRDS, {
      metadata: { name: 'things.example.com' },
      spec: {
        group: 'example.com',
        scope: 'Cluster',
        names: { plural: 'things', kind: 'Thing' },
        versions: [{ name: 'v1', served: true, storage: true, schema }],
      },
    } as AnyObject);
    await first.client.create(THINGS, { metadata: { name: 't' } });
    const { token } = await first.requestToken({ namespace: 'default', name: 'a' }, {});
    const { revision } = first.store;
    await first.close();
    first.store.close();

    const second = await startLoopbackServer({ log: sqliteLog(path) });
    assert.equal(second.store.revision, revision);
    assert.deepEqual(await second.client.get(core('services'), 's', 'default'), made);
    assert.equal((await second.client.get(THINGS, 't')).metadata.name, 't');
    const other = await second.client.create<AnyObject>(core('services'), {
      metadata: { name: 'o', namespace: 'default' },
      spec,
    });
    assert.notEqual(
      (other['spec'] as { clusterIP: string }).clusterIP,
      (made['spec'] as { clusterIP: string }).clusterIP,
    );
    const client = new LoopbackClient(second.port, second.keys.ca.certificate, { token });
    assert.equal((await client.request('/apis')).code, 200);
    client.close();
    await second.close();
    second.store.close();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
