import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConfigMap, Secret, Volume } from '#api/kube';
import type { BoundPod } from './types.ts';
import { volumeFiles } from './volume-files.ts';

const maps: ConfigMap[] = [{ metadata: { name: 'm' }, data: { a: '1', b: '2' }, binaryData: { c: 'AQI=' } }];
const secrets: Secret[] = [{ metadata: { name: 's' }, data: { k: 'aGV5' } }];
const deps = {
  config: {
    configMap: (_namespace: string, name: string) => maps.find(({ metadata }) => metadata.name === name),
    secret: (_namespace: string, name: string) => secrets.find(({ metadata }) => metadata.name === name),
    services: () => [],
  },
  place: { podIp: '10.0.0.1', nodeIp: '10.0.0.2', nodeAllocatable: {} },
  token: async (_pod: BoundPod, { audience = '' }: { audience?: string }) => `token for ${audience}`,
};

function podWith(volume: object, users: (number | undefined)[] = [undefined], context?: object): BoundPod {
  return {
    metadata: { name: 'p', namespace: 'n', labels: { b: '2', a: 'x"y' } },
    spec: {
      containers: users.map((uid, index) => ({
        name: `c${index}`,
        ...(uid !== undefined && { securityContext: { runAsUser: uid } }),
      })),
      volumes: [{ name: 'v', ...volume } as Volume],
      ...(context && { securityContext: context }),
    },
  };
}

async function filesOf(pod: BoundPod): Promise<Record<string, [string, number, number | undefined]>> {
  const files = (await volumeFiles(pod, pod.spec.volumes![0]!, deps)) ?? [];
  return Object.fromEntries(
    files.map(({ path, bytes, mode, uid }) => [path, [Buffer.from(bytes).toString(), mode, uid]]),
  );
}

const TOKEN = { projected: { defaultMode: 0o644, sources: [{ serviceAccountToken: { path: 't', audience: 'x' } }] } };

test('a ConfigMap volume holds text and binary keys; items choose and rename', async () => {
  const all = await filesOf(podWith({ configMap: { name: 'm', defaultMode: 0o400 } }));
  assert.deepEqual(Object.keys(all), ['a', 'b', 'c']);
  assert.deepEqual(all['a'], ['1', 0o400, undefined]);
  assert.equal(all['c']?.[0], '\u0001\u0002');
  const some = await filesOf(podWith({ configMap: { name: 'm', items: [{ key: 'b', path: 'x/y', mode: 0o600 }] } }));
  assert.deepEqual(some, { 'x/y': ['2', 0o600, undefined] });
});

test('what is missing is named, unless optional', async () => {
  await assert.rejects(filesOf(podWith({ secret: { secretName: 'no' } })), /secret "no" not found/);
  assert.deepEqual(await filesOf(podWith({ secret: { secretName: 'no', optional: true } })), {});
  await assert.rejects(
    filesOf(podWith({ configMap: { name: 'm', items: [{ key: 'z', path: 'z' }] } })),
    /non-existent key: z/,
  );
});

test('downward files quote labels as Go does', async () => {
  const volume = { downwardAPI: { items: [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }] } };
  assert.equal((await filesOf(podWith(volume)))['labels']?.[0], 'a="x\\"y"\nb="2"');
});

test('a token is private to the one user that all containers run as', async () => {
  assert.deepEqual((await filesOf(podWith(TOKEN, [2102, 2102])))['t'], ['token for x', 0o600, 2102]);
});

test('a token is private to the group when there is one', async () => {
  assert.deepEqual((await filesOf(podWith(TOKEN, [1, 2], { fsGroup: 5 })))['t'], ['token for x', 0o600, undefined]);
});

test('users that differ and no group leave the default mode, so that each can read it', async () => {
  assert.deepEqual((await filesOf(podWith(TOKEN, [undefined, 2102])))['t'], ['token for x', 0o644, undefined]);
});

test('a path that leaves the volume is refused', async () => {
  const volume = { configMap: { name: 'm', items: [{ key: 'a', path: '../a' }] } };
  await assert.rejects(filesOf(podWith(volume)), /invalid path/);
});
