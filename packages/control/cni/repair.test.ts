import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type KubeObject, NEW_EVENTS, PODS, type Pod } from '#api/kube';
import { type DeleteOptions, FakeKubeClient } from '#kube/client';
import { FakeLog } from '#runtime/log';
import { createControlMetrics } from '../process/index.ts';
import { createRepair, isUnmeshed } from './index.ts';

const pod = (name: string, exitCode: number | undefined, more: object = {}): Pod =>
  ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'shop', uid: `uid-${name}`, ...more },
    status: {
      initContainerStatuses: [
        {
          name: 'linkerd-network-validator',
          ...(exitCode !== undefined && { lastState: { terminated: { exitCode } } }),
        },
      ],
    },
  }) as unknown as Pod;

function repairing(fail?: (options: DeleteOptions | undefined) => Promise<void>) {
  const client = new FakeKubeClient();
  const metrics = createControlMetrics(() => 0);
  const options: (DeleteOptions | undefined)[] = [];
  const repair = createRepair({
    kube: {
      create: client.create.bind(client),
      delete: async (gvr, ref, option) => {
        options.push(option);
        if (fail) return fail(option);
        return client.delete(gvr, ref);
      },
    },
    metrics,
    log: new FakeLog().log,
    wallMs: () => 0,
    nowMs: () => 0,
    instance: 'linkerd-cni-x',
  });
  return { client, repair, options, text: () => metrics.render() };
}

test('only a validator that was not redirected counts, and a pod that goes anyway does not', () => {
  assert.equal(isUnmeshed(pod('a', 95)), true);
  assert.equal(isUnmeshed(pod('a', 1)), false);
  assert.equal(isUnmeshed(pod('a', undefined)), false);
  assert.equal(isUnmeshed(pod('a', 95, { deletionTimestamp: '2026-01-01T00:00:00Z' })), false);
});

test('an unmeshed pod is deleted at once, that one and no namesake, and an event tells why', async () => {
  const { client, repair, options, text } = repairing();
  client.seed(PODS, pod('web', 95) as KubeObject);
  repair.saw(pod('web', 95));
  repair.saw(pod('web', 95));
  repair.saw(pod('fine', undefined));
  await repair.idle();
  assert.deepEqual(options, [{ gracePeriodSeconds: 0, preconditions: { uid: 'uid-web' } }]);
  assert.deepEqual((await client.list(PODS)).items, []);
  const [event] = (await client.list(NEW_EVENTS)).items as unknown as Record<string, unknown>[];
  assert.equal(event?.['reason'], 'LinkerdCNINotConfigured');
  assert.equal(event?.['action'], 'Deleting');
  assert.equal(event?.['reportingController'], 'linkerd-cni-repair-controller');
  assert.match(text(), /linkerd_cni_repair_controller_pods_deleted_total 1/);
});

test('what waits is bounded, and what fails is counted', async () => {
  let release = (): void => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const { repair, text } = repairing(async () => {
    await gate;
    throw new Error('no');
  });
  for (let at = 0; at < 40; at += 1) repair.saw(pod(`p${at}`, 95));
  release();
  await repair.idle();
  assert.match(text(), /linkerd_cni_repair_controller_queue_overflow_total 7/);
  assert.match(text(), /linkerd_cni_repair_controller_pods_delete_errors_total 33/);
});
