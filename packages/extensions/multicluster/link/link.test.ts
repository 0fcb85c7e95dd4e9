import assert from 'node:assert/strict';
import { test } from 'node:test';
import { statusPatch } from './index.ts';

const NOW = '2026-01-01T00:00:00Z';
const LATER = '2026-01-01T01:00:00Z';
const mirrored = {
  namespace: 'mc-demo',
  name: 'bb',
  reason: 'Mirrored',
  message: '',
  localName: 'bb-federated',
} as const;

test('the status has the published shape', () => {
  assert.deepEqual(statusPatch(undefined, { federated: [mirrored], mirrors: [] }, NOW), {
    status: {
      mirrorServices: [],
      federatedServices: [
        {
          conditions: [
            {
              lastTransitionTime: NOW,
              localRef: { group: '', kind: 'Service', name: 'bb-federated', namespace: 'mc-demo' },
              message: '',
              reason: 'Mirrored',
              status: 'True',
              type: 'Mirrored',
            },
          ],
          controllerName: 'linkerd.io/service-mirror',
          remoteRef: { group: '', kind: 'Service', name: 'bb', namespace: 'mc-demo' },
        },
      ],
    },
  });
});

test('what is so already is not written again, and what stays keeps its time', () => {
  const first = statusPatch(undefined, { federated: [mirrored], mirrors: [] }, NOW);
  assert.equal(statusPatch(first?.status, { federated: [mirrored], mirrors: [] }, LATER), undefined);
  const other = { ...mirrored, name: 'aa', localName: 'aa-federated' };
  const second = statusPatch(first?.status, { federated: [mirrored, other] }, LATER)?.status.federatedServices;
  assert.deepEqual(
    second?.map(({ remoteRef, conditions }) => [remoteRef.name, conditions[0]?.lastTransitionTime]),
    [
      ['aa', LATER],
      ['bb', NOW],
    ],
  );
});

test('the last entry that goes is taken away by an explicit empty list', () => {
  const first = statusPatch(undefined, { federated: [mirrored] }, NOW);
  assert.deepEqual(statusPatch(first?.status, { federated: [] }, LATER), { status: { federatedServices: [] } });
});

test('an unreachable cluster is said without touching what is known of its services', () => {
  const lost = { reachable: false, reason: 'Unreachable', message: 'connect refused' } as const;
  assert.deepEqual(statusPatch({ federatedServices: [] }, { reachability: lost }, NOW), {
    status: {
      conditions: [
        {
          type: 'RemoteReachable',
          status: 'False',
          reason: 'Unreachable',
          message: 'connect refused',
          lastTransitionTime: NOW,
        },
      ],
    },
  });
});

test('a status of very many services is one that is stored, and problems are in it', () => {
  const many = Array.from({ length: 10_000 }, (_, at) => ({ ...mirrored, name: `web-${at}` }));
  const bad = { ...mirrored, name: 'zz', reason: 'Error', message: 'x'.repeat(5_000) } as const;
  const patch = statusPatch(undefined, { mirrors: [...many, bad], federated: many }, NOW);
  assert.ok(JSON.stringify(patch).length < 1_000_000);
  assert.equal(patch?.status.mirrorServices?.at(-1)?.remoteRef.name, 'zz');
});

test('whether the cluster is seen comes first among the conditions, and those of others last', () => {
  const said = { status: 'True', reason: 'Fine', message: '' } as const;
  const current = { conditions: [{ type: 'Another', ...said }] };
  const reachability = { reachable: true, reason: 'Connected', message: '' } as const;
  const patch = statusPatch(current, { trust: said, gateway: said, reachability, credentials: said }, NOW);
  assert.deepEqual(
    patch?.status.conditions?.map(({ type }) => type),
    ['RemoteReachable', 'GatewayAlive', 'CredentialsValid', 'TrustShared', 'Another'],
  );
});
