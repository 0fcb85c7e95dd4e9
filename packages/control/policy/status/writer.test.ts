import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AnyObject } from '#api/kube';
import { ApiError } from '#kube/client';
import { FakeClock } from '#runtime/clock';
import { FakeLog } from '#runtime/log';
import { createControlMetrics } from '../../process/index.ts';
import { StatusQueue } from './queue.ts';
import { clusterIp, GVRS, Scene, turns, web } from './scene.fake.ts';

test('one replica writes; the next one takes over with a look at everything', async () => {
  const scene = new Scene()
    .put('Deployment', 'linkerd-destination', { metadata: { namespace: 'linkerd', uid: 'd-1' } })
    .put('Service', 'web', clusterIp)
    .put('Http', 'r', { spec: { parentRefs: [web()] } });
  const one = await scene.replica('one');
  const two = await scene.replica('two');
  assert.deepEqual([await one.count('patches_total'), await two.count('patches_total')], [1, 0]);
  const [lease] = scene.kube.all<AnyObject>(GVRS.Lease);
  const { name, namespace, labels, ownerReferences } = lease!.metadata;
  assert.deepEqual([namespace, name], ['linkerd', 'policy-controller-write']);
  assert.equal(labels?.['linkerd.io/control-plane-component'], 'destination');
  assert.deepEqual(
    ownerReferences?.map(({ kind, name: owner, uid }) => [kind, owner, uid]),
    [['Deployment', 'linkerd-destination', 'd-1']],
  );
  const { holderIdentity, leaseDurationSeconds } = lease!['spec'] as Record<string, unknown>;
  assert.deepEqual([holderIdentity, leaseDurationSeconds], ['one', 30]);

  await one.writer.stop();
  scene.put('Http', 'meanwhile', { spec: { parentRefs: [web()] } });
  await scene.pass(2500);
  assert.equal(await two.count('patches_total'), 1);
  assert.equal(scene.told('Http', 'meanwhile').length, 2);
  scene.put('Http', 'after', { spec: { parentRefs: [web()] } });
  await scene.pass(100);
  assert.deepEqual([await one.count('patches_total'), await two.count('patches_total')], [1, 2]);
});

test('what could not be written is tried again: refused, changed meanwhile, or without an answer', async () => {
  const scene = new Scene().put('Service', 'web', clusterIp).put('Http', 'r', { spec: { parentRefs: [web()] } });
  scene.kube.refuse = (verb) => (verb === 'patch' ? ApiError.of(500, 'InternalError', 'disk full') : undefined);
  const { count, lines } = await scene.replica();
  await scene.pass(30_000);
  assert.equal(await count('patch_api_errors_total'), 4);
  assert.equal(lines.filter((line) => line.includes('disk full')).length, 1);

  let refusals = 0;
  scene.kube.refuse = (verb) => {
    if (verb !== 'patch' || refusals++ > 0) return undefined;
    return ApiError.of(409, 'Conflict', 'changed meanwhile');
  };
  await scene.pass(20_000);
  assert.equal(scene.told('Http', 'r').length, 2);
  assert.deepEqual([await count('patch_api_errors_total'), await count('patches_total')], [5, 1]);

  scene.kube.refuse = undefined;
  const patch = scene.kube.patch.bind(scene.kube);
  scene.kube.patch = () => new Promise(() => {});
  await scene.remove('Service', 'web');
  await scene.pass(5_200);
  assert.equal(await count('patch_timeouts_total'), 1);
  scene.kube.patch = patch;
  await scene.pass(10_000);
  assert.match(scene.told('Http', 'r')[0] ?? '', /NoMatchingParent/);
  assert.equal(await count('patch_duration_seconds_count'), 2);
});

test('a bounded number of statuses waits, the others are counted; who stops leading writes nothing more', async () => {
  const metrics = createControlMetrics(() => 0);
  const answers: (() => void)[] = [];
  const kube = { patch: () => new Promise<never>((resolve) => answers.push(resolve as () => void)) };
  const queue = new StatusQueue(
    { kube, clock: new FakeClock(), metrics, log: new FakeLog().log },
    { timeoutMs: 5000, waitingMax: 10 },
  );
  const wanted = (count: number) =>
    Array.from({ length: count }, (_, index) => ({
      gvr: GVRS.Http,
      namespace: 'shop',
      name: `r${index}`,
      resourceVersion: '1',
      status: { parents: [] },
    }));
  queue.replace(wanted(12));
  queue.replace(wanted(12));
  const count = (name: 'patches' | 'patch_enqueues' | 'patch_dequeues' | 'patch_drops' | 'patch_enqueue_overflows') =>
    metrics.counter(`resource_status_${name}_total`, {}).value;
  assert.equal(answers.length, 4);
  assert.deepEqual([count('patch_enqueues'), count('patch_dequeues'), count('patch_enqueue_overflows')], [12, 4, 2]);
  answers[0]?.();
  await turns();
  assert.deepEqual([answers.length, count('patches')], [5, 1]);
  queue.replace(wanted(7));
  assert.deepEqual([count('patch_dequeues'), count('patch_drops')], [10, 0]);
  queue.drop();
  for (const answer of answers) answer();
  await turns();
  assert.deepEqual([answers.length, count('patch_drops'), count('patches')], [5, 2, 5]);
});
