import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { before, test } from 'node:test';
import type { AnyObject } from '#api/kube';
import {
  type ClusterKeys,
  createAuthority,
  createClusterKeys,
  ISSUER,
  isIssuedBy,
  issueClientCertificate,
  issueServerCertificate,
  TokenAuthority,
  TokenReviewer,
} from './index.ts';

const NOW_MS = Date.parse('2026-11-21T10:00:00Z');
const ACCOUNT = { name: 'bot', uid: 'u-1' };

let keys: ClusterKeys;
let authority: TokenAuthority;
before(async () => {
  keys = await createClusterKeys(NOW_MS);
  authority = await TokenAuthority.open(keys);
});

/** Objects by `resource/name`; without a uid they are not there. */
function reviewer(objects: Record<string, string>): TokenReviewer {
  return new TokenReviewer(authority, (resource, { name }) => {
    const uid = objects[`${resource}/${name}`];
    return uid === undefined ? undefined : ({ metadata: { name, uid } } as AnyObject);
  });
}

const grant = (more: object = {}) => ({
  namespace: 'apps',
  serviceAccount: ACCOUNT,
  audiences: [ISSUER],
  expirationSeconds: 600,
  ...more,
});
const HERE = { 'serviceaccounts/bot': 'u-1', 'pods/p': 'p-1', 'nodes/n': 'n-1' };

const refusal = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => assert.fail('should have been refused'),
    (error: Error) => error.message,
  );

test('a token names its account, groups, pod and node', async () => {
  const { token, expiresAtMs } = await authority.issue(
    grant({ pod: { name: 'p', uid: 'p-1' }, node: { name: 'n', uid: 'n-1' } }),
    NOW_MS,
  );
  assert.equal(expiresAtMs, NOW_MS + 600_000);
  const { user, audiences } = await reviewer(HERE).review(token, [], NOW_MS);
  assert.equal(user.name, 'system:serviceaccount:apps:bot');
  assert.equal(user.uid, 'u-1');
  assert.deepEqual(user.groups, ['system:serviceaccounts', 'system:serviceaccounts:apps', 'system:authenticated']);
  assert.deepEqual(user.extra['authentication.kubernetes.io/pod-name'], ['p']);
  assert.deepEqual(user.extra['authentication.kubernetes.io/node-name'], ['n']);
  assert.deepEqual(audiences, [ISSUER]);
});

test('a token is void once it expired, also for those who have seen it valid', async () => {
  const { token } = await authority.issue(grant(), NOW_MS);
  const one = reviewer(HERE);
  await one.review(token, [], NOW_MS + 599_000);
  assert.match(await refusal(one.review(token, [], NOW_MS + 601_000)), /service account token has expired/);
});

test('a token is void once what it is bound to is gone or another', async () => {
  const { token } = await authority.issue(grant({ pod: { name: 'p', uid: 'p-1' } }), NOW_MS);
  const review = (objects: Record<string, string>) => refusal(reviewer(objects).review(token, [], NOW_MS));
  assert.match(await review({ 'pods/p': 'p-1' }), /serviceaccounts "bot" not found/);
  assert.match(
    await review({ ...HERE, 'serviceaccounts/bot': 'u-2' }),
    /service account UID \(u-2\) does not match claim \(u-1\)/,
  );
  assert.match(await review({ 'serviceaccounts/bot': 'u-1' }), /service account token has been invalidated/);
  assert.match(await review({ ...HERE, 'pods/p': 'p-2' }), /pod UID \(p-2\) does not match claim \(p-1\)/);
});

test('a token of another cluster, or one that was tampered with, is refused', async () => {
  const stranger = await TokenAuthority.open(await createClusterKeys(NOW_MS));
  const { token: foreign } = await stranger.issue(grant(), NOW_MS);
  assert.match(await refusal(reviewer(HERE).review(foreign, [], NOW_MS)), /signature verification failed/);
  const { token } = await authority.issue(grant(), NOW_MS);
  const [head, body, signature] = token.split('.');
  const claims = JSON.parse(Buffer.from(body ?? '', 'base64url').toString()) as Record<string, unknown>;
  const forged = Buffer.from(JSON.stringify({ ...claims, sub: 'system:serviceaccount:kube-system:root' })).toString(
    'base64url',
  );
  assert.match(
    await refusal(reviewer(HERE).review(`${head}.${forged}.${signature}`, [], NOW_MS)),
    /signature verification failed/,
  );
  const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${body}.`;
  assert.match(await refusal(reviewer(HERE).review(none, [], NOW_MS)), /invalid bearer token/);
});

test('certificates bear the names and groups they are issued for, and are valid in their time only', async () => {
  const server = new X509Certificate(
    (await issueServerCertificate(keys, ['10.96.0.1', 'api.example'], NOW_MS)).certificate,
  );
  for (const host of ['kubernetes.default.svc', 'localhost', 'api.example']) assert.ok(server.checkHost(host), host);
  for (const ip of ['10.96.0.1', '127.0.0.1']) assert.ok(server.checkIP(ip), ip);
  const pair = await issueClientCertificate(keys, { name: 'ann', groups: ['devs', 'ops'] }, NOW_MS);
  const client = new X509Certificate(pair.certificate);
  assert.equal(client.subject, 'O=devs\nO=ops\nCN=ann');
  assert.equal(await isIssuedBy(keys.ca.certificate, client.raw, NOW_MS), true);
  assert.equal(await isIssuedBy(keys.ca.certificate, client.raw, NOW_MS + 400 * 24 * 3_600_000), false);
  const stranger = await createAuthority('kubernetes', NOW_MS);
  assert.equal(await isIssuedBy(stranger.certificate, client.raw, NOW_MS), false);
});
