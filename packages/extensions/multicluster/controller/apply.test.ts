import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SERVICES } from '#api/kube';
import { FakeKubeClient } from '#kube/client';
import { FakeClock } from '#runtime/clock';
import {
  type Change,
  changeName,
  type Join,
  MIRROR,
  type ObservedService,
  type ServiceObject,
} from '../mirror/index.ts';
import { applyChanges, begunElsewhere } from './apply.ts';
import { LIMITS } from './limits.ts';
import { Rewrites } from './rewrites.ts';

const create = (name: string): Change => ({
  do: 'create',
  service: { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: 'shop' }, spec: { ports: [] } },
});

test('every cluster has all changes, and begins with others', () => {
  const changes = Array.from({ length: 200 }, (_, i) => create(`web-${i}`));
  const firsts = new Set<string>();
  for (let i = 0; i < 20; i++) {
    const turned = begunElsewhere(changes, `remote-${i}`);
    assert.deepEqual(new Set(turned), new Set(changes));
    firsts.add(changeName(turned[0]!));
  }
  assert.ok(firsts.size > 15, `${firsts.size} places to begin for 20 clusters`);
  assert.deepEqual(begunElsewhere([], 'east'), []);
});

test('what a join is by now is written, and nothing when there is nothing left to do', async () => {
  const client = new FakeKubeClient();
  const [first, second, third] = [create('a-federated'), create('b-federated'), create('c')];
  const joins = new Map<string, () => Change | undefined>([
    ['shop/a-federated', () => undefined],
    ['shop/b-federated', () => create('b-by-now')],
  ]);
  const { failures, conflicts } = await applyChanges(client, [first, second, third], [], undefined, joins);
  assert.deepEqual([failures.size, conflicts], [0, 0]);
  const names = client.all<ServiceObject>(SERVICES).map(({ metadata }) => metadata.name);
  assert.deepEqual(names.sort(), ['b-by-now', 'c']);
});

test('a name that another cluster has is said to be taken; one that the watch will tell of is a conflict', async () => {
  const labelled = (name: string, cluster?: string) => ({
    metadata: { name, namespace: 'shop', labels: cluster === undefined ? {} : { [MIRROR.clusterName]: cluster } },
  });
  const client = new FakeKubeClient().seed(
    SERVICES,
    labelled('a-b-east', 'b-east'),
    labelled('c-east', 'east'),
    labelled('d-east'),
  );
  const wanted = ['a-b-east', 'c-east', 'd-east'].map(
    (name): Change => ({ do: 'create', service: labelled(name, 'east') }),
  );
  const { failures, conflicts } = await applyChanges(client, wanted);
  assert.deepEqual(
    [...failures],
    [
      [
        'shop/a-b-east',
        'Failed to create mirror service: Service shop/a-b-east exists and is not ours to change: it is of cluster b-east',
      ],
    ],
  );
  assert.equal(conflicts, 2);
});

test('what others write, too, is read and joined as it is by then, whether it came or changed meanwhile', async () => {
  const [late, taken, done] = ['late-federated', 'taken-federated', 'done-federated'];
  const at = (name: string) => ({ metadata: { name, namespace: 'shop', annotations: { others: 'yes' } } });
  const client = new FakeKubeClient().seed(SERVICES, at(late), at(taken), at(done));
  const ours = (name: string) => (now?: ObservedService) =>
    ({
      do: 'update',
      service: {
        metadata: {
          name,
          namespace: 'shop',
          resourceVersion: now?.resourceVersion ?? 'old',
          annotations: { ...now?.annotations, ours: 'yes' },
        },
      },
    }) satisfies Change;
  const joins = new Map<string, Join>([
    [`shop/${late}`, ours(late)],
    [`shop/${taken}`, (now) => (now ? ours(taken)(now) : create(taken))],
    [`shop/${done}`, (now) => (now ? undefined : ours(done)())],
  ]);
  const changes = [ours(late)(), create(taken), ours(done)()];
  const { failures, conflicts } = await applyChanges(client, changes, [], undefined, joins);
  assert.deepEqual([failures.size, conflicts], [0, 0]);
  const found = client.all<ServiceObject>(SERVICES).map(({ metadata }) => [metadata.name, metadata.annotations]);
  assert.deepEqual(Object.fromEntries(found), {
    [late]: { others: 'yes', ours: 'yes' },
    [taken]: { others: 'yes', ours: 'yes' },
    [done]: { others: 'yes' },
  });
});

test('only what was written is held against somebody who changes it back: others who were faster are none', async () => {
  const client = new FakeKubeClient().seed(SERVICES, { metadata: { name: 'web-federated', namespace: 'shop' } });
  const late: Change = { do: 'update', service: { metadata: { name: 'web-federated', namespace: 'shop' } } };
  const joins = new Map<string, Join>([['shop/web-federated', (now) => (now ? undefined : late)]]);
  const rewrites = new Rewrites(new FakeClock());
  for (let i = 0; i < 2 * LIMITS.rewritesFree; i += 1)
    assert.deepEqual([...(await applyChanges(client, [late], [], rewrites, joins)).failures], []);
});
