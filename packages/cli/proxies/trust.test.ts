import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod } from '#api/kube';
import { rootsSha256 } from '#runtime/tls';
import { createTrust, readCertificates } from '../certificates/index.ts';
import { anchorsInUse, inTurn } from './trust.ts';

const root = async (): Promise<string> => (await createTrust('identity.linkerd.cluster.local')).anchors;

const podWith = (anchors: string | undefined, phase = 'Running'): Pod =>
  ({
    metadata: { name: 'web-1', namespace: 'shop' },
    spec: {
      containers: [
        {
          name: 'linkerd-proxy',
          env: anchors === undefined ? [] : [{ name: 'LINKERD2_PROXY_IDENTITY_TRUST_ANCHORS', value: anchors }],
        },
      ],
    },
    status: { phase },
  }) as unknown as Pod;

const metrics =
  (...anchors: string[]) =>
  (): Promise<string> => {
    const sha256 = rootsSha256(readCertificates(anchors.join('')).map(({ raw }) => raw));
    return Promise.resolve(`other 1\ncontrol_identity_trust_roots_info{sha256="${sha256}"} 1\n`);
  };
const neverAsked = (): Promise<string> => assert.fail('it is not asked');

test('a proxy that was started with the current anchors, or reads them by reference, is not asked', async () => {
  const current = await root();
  assert.equal(await anchorsInUse(podWith(current), current, neverAsked), current);
  assert.equal(await anchorsInUse(podWith(undefined), current, neverAsked), current);
});

test('a proxy that has learned the current anchors goes by them, whatever it was started with', async () => {
  const [old, current] = [await root(), await root()];
  assert.equal(await anchorsInUse(podWith(old), current, metrics(current)), current);
});

test('a proxy that tells of its first anchors, of none, or nothing at all goes by its environment', async () => {
  const [old, current] = [await root(), await root()];
  assert.equal(await anchorsInUse(podWith(old), current, metrics(old)), old);
  assert.equal(await anchorsInUse(podWith(old), current, () => Promise.resolve('')), old);
  assert.equal(await anchorsInUse(podWith(old), current, () => Promise.reject(new Error('away'))), old);
  assert.equal(await anchorsInUse(podWith(old, 'Pending'), current, neverAsked), old);
});

test('a proxy that has learned others than the current anchors has no known ones', async () => {
  const [old, current] = [await root(), await root()];
  assert.equal(await anchorsInUse(podWith(old), current, metrics(old, current)), undefined);
});

test('asking in turn keeps the order of the items and asks at most 16 at once', async () => {
  let now = 0;
  let most = 0;
  const items = Array.from({ length: 50 }, (_, at) => at);
  const answers = await inTurn(items, async (item) => {
    most = Math.max(most, ++now);
    await new Promise((resolve) => setImmediate(resolve));
    now--;
    return item * 2;
  });
  assert.deepEqual(
    answers,
    items.map((item) => item * 2),
  );
  assert.equal(most, 16);
});
