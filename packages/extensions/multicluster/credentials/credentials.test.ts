import assert from 'node:assert/strict';
import { test } from 'node:test';
import { x509 } from '#runtime/x509';
import {
  credentialsFinding,
  type Expiry,
  expiriesOf,
  judgeExpiry,
  nextChangeMs,
  readToken,
  renewableToken,
  tokenIn,
  withToken,
} from './index.ts';

const NOW = Date.parse('2026-01-01T00:00:00Z');
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const jwt = (claims: object): string => `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.sig`;
const bound = jwt({ sub: 'system:serviceaccount:mc:remote', iat: NOW / 1000, exp: NOW / 1000 + 3600 });
const kubeconfig = (user: object, ca?: string): string =>
  JSON.stringify({
    'current-context': 'east',
    contexts: [{ name: 'east', context: { cluster: 'east', user: 'remote' } }],
    clusters: [{ name: 'east', cluster: { server: 'https://a', 'certificate-authority-data': ca } }],
    users: [
      { name: 'other', user: { token: 'other' } },
      { name: 'remote', user },
    ],
  });

test('a bound token says whose it is and when it ends', () => {
  assert.deepEqual(readToken(bound), { namespace: 'mc', account: 'remote', issuedMs: NOW, expiresMs: NOW + HOUR_MS });
  assert.deepEqual(renewableToken(kubeconfig({ token: bound })), readToken(bound));
});

test('tokens that do not end, are nobody’s account, or no JWT, are not renewed', () => {
  const lasting = jwt({ sub: 'system:serviceaccount:mc:remote' });
  for (const token of [
    lasting,
    jwt({ sub: 'somebody', exp: 1 }),
    'abc',
    'a.b.c',
    `x.${Buffer.from('1').toString('base64url')}.x`,
    '',
  ])
    assert.equal(renewableToken(kubeconfig({ token })), undefined, token);
  assert.equal(readToken(jwt({ sub: 'somebody', exp: 1 }))?.expiresMs, 1000);
});

test('a kubeconfig gets another token, and keeps all else', () => {
  const text = `# by hand\ncurrent-context: east\ncontexts: [{name: east, context: {cluster: east, user: remote}}]\nclusters:\n- name: east\n  cluster: {server: "https://a"}\nusers:\n- name: remote\n  user: {token: old}\n`;
  const next = withToken(text, 'new');
  assert.equal(tokenIn(next), 'new');
  assert.match(next, /^# by hand\n/);
  assert.match(next, /server: "https:\/\/a"/);
  assert.equal(tokenIn(withToken(kubeconfig({ token: bound }), 'new')), 'new');
});

test('what ends in a kubeconfig: token, client certificate, and of several authorities the last', async () => {
  const pem = async (days: number): Promise<string> => {
    const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
    const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      name: 'CN=x',
      keys,
      signingAlgorithm: algorithm,
      notBefore: new Date(NOW),
      notAfter: new Date(NOW + days * DAY_MS),
    });
    return certificate.toString('pem');
  };
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const ca = base64(`${await pem(1)}\n${await pem(365)}`);
  const user = { token: bound, 'client-certificate-data': base64(await pem(90)) };
  assert.deepEqual(expiriesOf(kubeconfig(user, ca)), [
    { what: 'token', fromMs: NOW, untilMs: NOW + HOUR_MS },
    { what: 'client certificate', fromMs: NOW, untilMs: NOW + 90 * DAY_MS },
    { what: 'certificate authority', fromMs: NOW, untilMs: NOW + 365 * DAY_MS },
  ]);
  const broken = base64('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----');
  assert.throws(() => expiriesOf(kubeconfig({}, broken)), /the certificate authority of the kubeconfig cannot be read/);
});

test('an end is near when a share of the life is left, of long lives 60 days, and then it is over', () => {
  const of = (what: Expiry['what'], lifeMs: number) => ({ what, fromMs: NOW, untilMs: NOW + lifeMs });
  const cases: [Expiry, number, string][] = [
    [of('token', HOUR_MS), 0.79 * HOUR_MS, 'good'],
    [of('token', HOUR_MS), 0.81 * HOUR_MS, 'soon'],
    [of('token', HOUR_MS), HOUR_MS, 'over'],
    [of('client certificate', 30 * DAY_MS), 19 * DAY_MS, 'good'],
    [of('client certificate', 30 * DAY_MS), 21 * DAY_MS, 'soon'],
    [of('certificate authority', 3650 * DAY_MS), 3589 * DAY_MS, 'good'],
    [of('certificate authority', 3650 * DAY_MS), 3591 * DAY_MS, 'soon'],
  ];
  for (const [expiry, afterMs, judgement] of cases)
    assert.equal(judgeExpiry(expiry, NOW + afterMs), judgement, `${expiry.what} after ${afterMs}`);
});

test('the condition says what is good, what failed, what ends, what has ended', () => {
  const token: Expiry = { what: 'token', fromMs: NOW, untilMs: NOW + HOUR_MS };
  const at = (share: number, failure?: string) =>
    credentialsFinding({ expiries: [token], failure, renewed: true }, NOW + share * HOUR_MS);
  const until = '2026-01-01T01:00:00Z';
  assert.deepEqual(at(0.5), {
    status: 'True',
    reason: 'Valid',
    message: `The token is good until ${until}; the token is renewed before`,
  });
  assert.deepEqual(at(0.75, 'forbidden'), {
    status: 'False',
    reason: 'RenewalFailed',
    message: `Forbidden; the token is good until ${until}`,
  });
  assert.deepEqual(at(0.9), { status: 'False', reason: 'ExpiringSoon', message: `The token ends at ${until}` });
  assert.deepEqual(at(1, 'forbidden'), {
    status: 'False',
    reason: 'Expired',
    message: `The token ended at ${until}; forbidden`,
  });
  assert.equal(credentialsFinding({ expiries: [], failure: undefined, renewed: false }, NOW), 'none');
  assert.deepEqual(
    [0, 0.9, 1].map((share) => nextChangeMs([token], NOW + share * HOUR_MS)),
    [NOW + 0.8 * HOUR_MS, NOW + HOUR_MS, undefined],
  );
});
