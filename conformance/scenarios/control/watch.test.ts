/** A watch over restarts of a real API server: nothing is missed, nothing told twice, whether it can be resumed or not. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { AnyObject } from '#api/kube';
import { Collection, follow, WatchHealth } from '#control/fold';
import { createControlMetrics } from '#control/process';
import { createKubeClient, type KubeClient } from '#kube/client';
import { loadAccess } from '#kube/config';
import { type ApiServer, createApiServer } from '#lab/apiserver';
import { EVENT_RING_SIZE, Store, sqliteLog } from '#lab/store';
import { systemClock } from '#runtime/clock';
import { eventually, sumOf } from '../../harness/index.ts';

const CONFIG_MAPS = { group: '', version: 'v1', resource: 'configmaps' };
const BACK_MS = 15_000;

/** An API server whose state is in a file and which listens at one port, whenever it runs. */
class Restarting {
  readonly #folder = mkdtempSync(join(tmpdir(), 'weft-watch-'));
  #running: { server: ApiServer; store: Store } | undefined;
  #port = 0;

  /** `resumable`: over how many events watches can be resumed. `prepare`: what happens before anybody can connect. */
  async start(resumable = EVENT_RING_SIZE, prepare?: (client: ApiServer['client']) => Promise<void>): Promise<void> {
    const store = new Store(sqliteLog(join(this.#folder, 'state.sqlite')), resumable);
    const server = await createApiServer(
      {
        store,
        nowMs: Date.now,
        random: Math.random,
        dial: async (host, port) => connect({ host, port }),
        podRuntime: () => undefined,
        log: () => {},
      },
      { advertiseAddress: '127.0.0.1', advertisePort: 6443, serviceCidr: '10.96.0.0/16' },
    );
    await prepare?.(server.client);
    this.#port = await server.listen('127.0.0.1', this.#port);
    this.#running = { server, store };
  }

  async stop(): Promise<void> {
    await this.#running?.server.close();
    this.#running?.store.close();
    this.#running = undefined;
  }

  /** A client of it in a process of its own, as far as it can tell. */
  async client(): Promise<KubeClient> {
    const file = join(this.#folder, 'kubeconfig');
    writeFileSync(file, this.#running!.server.adminKubeconfig('it', `https://127.0.0.1:${this.#port}`));
    return createKubeClient(await loadAccess({ kubeconfig: file }));
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.#folder, { recursive: true });
  }
}

test('a watch goes on over a restart where it was, and begins anew where that is too long ago', {
  timeout: 60_000,
}, async () => {
  const apiServer = new Restarting();
  after(() => apiServer.remove());
  await apiServer.start();
  const writer = await apiServer.client();
  const watcher = await apiServer.client();
  after(() => {
    writer.close();
    watcher.close();
  });
  const put = (name: string, text: string) =>
    writer.patch(
      CONFIG_MAPS,
      { namespace: 'default', name },
      {
        type: 'apply',
        fieldManager: 'test',
        body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' }, data: { text } },
      },
    );

  const told: string[] = [];
  const texts = new Collection<string>(
    (object) =>
      object.metadata.namespace === 'default'
        ? String((object as AnyObject & { data?: { text?: string } }).data?.text)
        : undefined,
    (key, now, old) => {
      if (now !== old) told.push(`${key.slice('default/'.length)}=${now}`);
    },
  );
  const metrics = createControlMetrics(() => systemClock.nowMs());
  const health = new WatchHealth(metrics, systemClock);
  const following = follow(watcher, [{ gvr: CONFIG_MAPS, collection: texts }], {
    failed: () => {},
    recovered: () => {},
    noted: (resource, sink) => health.note('local', resource, sink),
  });
  after(() => following.stop());
  await following.synced;
  const lists = () => sumOf(metrics.render(), 'kube_watch_lists_total');
  const lost = () => sumOf(metrics.render(), 'kube_watch_lost_seconds');
  const becomes = (what: string, ...want: string[]) =>
    eventually(
      what,
      BACK_MS,
      async () => {
        assert.deepEqual(told.slice(-want.length), want);
        return true;
      },
      20,
    );
  const goesAway = async (): Promise<void> => {
    await apiServer.stop();
    await eventually('it is missed', BACK_MS, async () => (lost() > 0 ? true : undefined), 20);
  };

  told.length = 0;
  await put('a', '1');
  await put('b', '1');
  await becomes('what is new', 'a=1', 'b=1');

  await goesAway();
  await apiServer.start();
  await put('a', '2');
  await put('c', '1');
  await becomes('what came after the restart', 'a=2', 'c=1');
  assert.deepEqual(told, ['a=1', 'b=1', 'a=2', 'c=1'], 'each once');
  assert.deepEqual([lists(), lost()], [1, 0], 'resumed');

  await goesAway();
  await apiServer.start(8, async (client) => {
    await client.delete(CONFIG_MAPS, { namespace: 'default', name: 'b' });
    for (let n = 0; n < 20; n += 1)
      await client.patch(
        CONFIG_MAPS,
        { namespace: 'default', name: 'a' },
        { type: 'merge', body: { data: { text: `${100 + n}` } } },
      );
  });
  await put('d', '1');
  await eventually(
    'the end of all that',
    BACK_MS,
    async () => {
      assert.deepEqual(
        Object.fromEntries([...texts.records].filter(([key]) => key.startsWith('default/') && !key.endsWith('.crt'))),
        {
          'default/a': '119',
          'default/c': '1',
          'default/d': '1',
        },
      );
      return true;
    },
    20,
  );
  assert.equal(told.filter((each) => each === 'b=undefined').length, 1);
  assert.deepEqual([lists(), lost()], [2, 0], 'began anew');
});
