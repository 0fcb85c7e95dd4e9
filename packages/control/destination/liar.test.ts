import assert from 'node:assert/strict';
import { createServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { KubeObject } from '#api/kube';
import { connectLinked } from '../linked/index.ts';
import { FakeCluster, GVRS, linkSecret, startScene, until } from './scene.fake.ts';

/** An API server over HTTP/2 with the objects of a cluster; watches tell what they are told to. */
async function serve(cluster: FakeCluster) {
  const watches = new Map<string, ServerHttp2Stream>();
  const kinds = Object.entries(GVRS).map(([kind, gvr]) => ({ kind, ...gvr }));
  const server = createServer();
  server.on('stream', (opened, headers) => {
    const stream = opened as ServerHttp2Stream;
    stream.on('error', () => {}); // The client ends what it does not want.
    const { pathname, searchParams } = new URL(String(headers[':path']), 'http://x');
    const resource = pathname.split('/').at(-1) ?? '';
    const row = kinds.find((each) => each.resource === resource);
    stream.respond({ ':status': row ? 200 : 404 });
    if (!row || searchParams.has('watch')) return void watches.set(resource, stream);
    const apiVersion = row.group === '' ? row.version : `${row.group}/${row.version}`;
    // Items of lists do not say what they are.
    const items = cluster.kube.all<KubeObject>(row).map(({ kind: _kind, ...item }) => item);
    stream.end(JSON.stringify({ apiVersion, kind: `${row.kind}List`, metadata: { resourceVersion: '100' }, items }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const access = {
    server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    tls: () => Promise.resolve({ version: '1' }),
    headers: () => Promise.resolve({}),
  };
  const tell = (resource: string, type: string, object: unknown) =>
    watches.get(resource)?.write(`${JSON.stringify({ type, object })}\n`);
  return { watches, access, tell, close: () => server.close() };
}

const member = (ip: string) =>
  new FakeCluster()
    .pod('shop/bb-1', ip, { serviceAccountName: 'bb' })
    .service('shop/bb', [{ ip, pod: 'bb-1' }, { ip: '127.0.0.1' }]);

test('a linked cluster that lies keeps the endpoints that it had, which come last, and no other cluster notices', async () => {
  const east = await serve(member('10.43.0.1'));
  const west = new FakeCluster()
    .put('Secret', 'linkerd/east', linkSecret('east'))
    .put('Secret', 'linkerd/north', linkSecret('north'))
    .put('Service', 'shop/bb-federated', {
      metadata: { annotations: { 'multicluster.linkerd.io/remote-discovery': 'bb@east,bb@north' } },
      spec: { clusterIP: '10.96.0.50', ports: [{ name: 'http', port: 80 }] },
    });
  const north = new FakeCluster().service('shop/bb', [{ ip: '10.44.0.1' }]);
  const scene = await startScene(west, { north: north.kube }, {}, (_kubeconfig, observer) =>
    connectLinked(east.access, observer),
  );
  try {
    const heard = scene.get('bb-federated.shop.svc.cluster.local:80', undefined, 'endpoint-priority');
    const places = () => [...heard.endpoints].map(([address, { priority }]) => `${address} ${priority}`).sort();
    const are = (...wanted: string[]) => until(() => places().join() === wanted.join(), places);
    await are('10.43.0.1:8080 0', '10.44.0.1:8080 0');
    const faults = () =>
      [...scene.metrics.render().matchAll(/^remote_cluster_fault\{cluster="east",reason="(\w+)"\} 1$/gm)].map(
        ([, reason]) => reason,
      );
    assert.deepEqual(faults(), ['AddressesRefused'], 'a loopback address is no endpoint');
    await until(() => east.watches.has('endpointslices'));
    east.tell('endpointslices', 'DELETED', { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x' } });
    await until(() => faults().includes('InvalidAnswer'), faults);
    scene.clock.advance(60_000);
    await are('10.43.0.1:8080 1', '10.44.0.1:8080 0');
    north.slice('shop/bb', [{ ip: '10.44.0.2' }]);
    await are('10.43.0.1:8080 1', '10.44.0.2:8080 0');
  } finally {
    await scene.close();
    east.close();
  }
});
