import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEPLOYMENTS, type KubeObject } from '#api/kube';
import { FakeKubeClient } from '#kube/client';
import { waitForDeployments } from './index.ts';

const deployment = (name: string, available: number): KubeObject =>
  ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'n', generation: 1 },
    spec: { replicas: 1 },
    status: { observedGeneration: 1, updatedReplicas: 1, availableReplicas: available },
  }) as KubeObject;

test('resolves when the last Deployment becomes available', async () => {
  const client = new FakeKubeClient().seed(DEPLOYMENTS, deployment('a', 1), deployment('b', 0));
  const seen: string[][] = [];
  const waiting = waitForDeployments(client, 'n', { timeoutMs: 2000, waitingFor: (names) => seen.push([...names]) });
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual(seen, [['b']]);
  await client.update(DEPLOYMENTS, deployment('b', 1), 'status');
  await waiting;
});

test('names what is missing at the time limit', async () => {
  const client = new FakeKubeClient().seed(DEPLOYMENTS, deployment('a', 1), deployment('b', 0));
  await assert.rejects(waitForDeployments(client, 'n', { timeoutMs: 30 }), /not available: b$/);
  await assert.rejects(waitForDeployments(client, 'empty', { timeoutMs: 30 }), /no Deployment is there$/);
});

test('an abort ends the wait with its reason', async () => {
  const client = new FakeKubeClient().seed(DEPLOYMENTS, deployment('b', 0));
  const signal = AbortSignal.abort(new Error('stopped by the user'));
  await assert.rejects(waitForDeployments(client, 'n', { timeoutMs: 2000, signal }), /stopped by the user/);
});
