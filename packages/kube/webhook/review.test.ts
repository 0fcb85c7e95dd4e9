import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AdmissionAnswer, answerReview } from './review.ts';

const review = (apiVersion = 'admission.k8s.io/v1'): string =>
  JSON.stringify({ apiVersion, kind: 'AdmissionReview', request: { uid: 'u1', operation: 'CREATE' } });
const ask = async (answer: () => AdmissionAnswer, apiVersion?: string) =>
  JSON.parse(await answerReview(review(apiVersion), answer)) as {
    apiVersion: string;
    response: Record<string, unknown>;
  };

test('an allowance repeats uid and version, and a patch is base64 of JSON', async () => {
  const patch = [{ op: 'add', path: '/metadata/labels', value: { a: 'b' } }] as const;
  const { apiVersion, response } = await ask(
    () => ({ allowed: true, patch, warnings: ['hm'] }),
    'admission.k8s.io/v1beta1',
  );
  assert.equal(apiVersion, 'admission.k8s.io/v1beta1');
  assert.deepEqual(JSON.parse(Buffer.from(String(response['patch']), 'base64').toString()), patch);
  assert.deepEqual(
    { ...response, patch: 0 },
    { uid: 'u1', allowed: true, warnings: ['hm'], patchType: 'JSONPatch', patch: 0 },
  );
});

test('an empty patch is left out', async () => {
  assert.deepEqual((await ask(() => ({ allowed: true, patch: [] }))).response, { uid: 'u1', allowed: true });
});

test('a refusal carries its message and code', async () => {
  const { response } = await ask(() => ({ allowed: false, message: 'no' }));
  assert.deepEqual(response, { uid: 'u1', allowed: false, status: { code: 400, message: 'no' } });
});

test('a handler that throws refuses with its message', async () => {
  const { response } = await ask(() => {
    throw new Error('broken');
  });
  assert.deepEqual(response, { uid: 'u1', allowed: false, status: { code: 500, message: 'broken' } });
});

test('anything but an AdmissionReview is an error', async () => {
  await assert.rejects(
    answerReview('{"kind":"Pod"}', () => ({ allowed: true })),
    /expected an AdmissionReview/,
  );
});
