import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeObject } from '#api/kube';
import { FakeClock } from '#runtime/clock';
import { ClusterIndex } from './cluster/index.ts';
import type { ClusterStore } from './cluster-store.ts';
import type { EndpointWatches } from './endpoints/index.ts';
import { Federations } from './federations.ts';

test('a federation that was stopped by an earlier listener of a change follows nothing any more', () => {
  const index = new ClusterIndex(() => assert.fail('all can be read'));
  index.apply('services', {
    metadata: {
      namespace: 'shop',
      name: 'bb-federated',
      annotations: {
        'multicluster.linkerd.io/local-discovery': 'bb',
        'balancer.weft.dev/cluster-order': 'local,east',
      },
    },
  } as KubeObject);
  let followed = 0;
  const onEndpoints = index.onEndpoints.bind(index);
  index.onEndpoints = (key, listener) => {
    followed += 1;
    const stop = onEndpoints(key, listener);
    return () => {
      followed -= 1;
      stop();
    };
  };
  const listeners = new Set<() => void>();
  const clusters = {
    onChange: (listener: () => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  } as unknown as ClusterStore;
  const federations = new Federations({
    index,
    watches: {} as EndpointWatches,
    clusters,
    clock: new FakeClock(),
  });
  const view = federations.open('shop/bb-federated', () => {});
  assert.deepEqual([view.members().length, followed], [1, 1]);
  const told = [...listeners];
  view.stop();
  for (const listener of told) listener();
  assert.equal(followed, 0);
});
