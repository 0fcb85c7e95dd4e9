import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PROXY_METRICS } from '#model/metrics';
import { FakeClock } from '#runtime/clock';
import { GrpcError } from '#runtime/grpc';
import { FakeLog } from '#runtime/log';
import { Registry } from '#runtime/metrics';
import { seededRandom } from '#runtime/random';
import type { Certificate } from '../discover/index.ts';
import { publicKeyOf, TestCa } from '../testing/index.ts';
import { Credentials, createKey, Renewal } from './index.ts';
import { verifyChain } from './verify.ts';

const NAME = 'web.a.serviceaccount.identity.linkerd.cluster.local';
const HOUR_MS = 3_600_000;
const ca = new TestCa();
const key = createKey(NAME);

function certificate(validMs = HOUR_MS, name = NAME, signer = ca): Certificate {
  const leaf = signer.sign(name, publicKeyOf(key.csrDer), validMs);
  return { leaf, intermediates: [], validUntilMs: Date.now() + validMs };
}

test('a certificate request holds the key that signed it and reads as PKCS#10', () => {
  assert.equal(publicKeyOf(key.csrDer).asymmetricKeyType, 'ec');
  const text = Buffer.from(key.csrDer).toString('latin1');
  assert.equal(text.split(NAME).length - 1, 2, 'the name stands in the subject and in the extension');
});

test('a certificate is accepted only for our name, in time and from our authority', () => {
  const expected = { identity: NAME, keyPem: key.keyPem, trustAnchorsPem: ca.pem, nowMs: Date.now() };
  assert.ok('chainPem' in verifyChain(certificate(), expected));
  const refusals: [Certificate, RegExp][] = [
    [certificate(HOUR_MS, 'other.name'), /not for web/],
    [certificate(-HOUR_MS), /expired/],
    [certificate(HOUR_MS, NAME, new TestCa()), /does not chain/],
    [{ ...certificate(), leaf: ca.sign(NAME, publicKeyOf(createKey(NAME).csrDer), HOUR_MS) }, /another key/],
  ];
  for (const [bad, reason] of refusals) {
    const result = verifyChain(bad, expected);
    assert.match('error' in result ? result.error : 'accepted', reason);
  }
});

test('a URI can be the identity, and the certificate then has to name it', () => {
  const id = 'spiffe://cluster.local/ns/a/sa/web';
  const own = createKey(id);
  assert.equal(Buffer.from(own.csrDer).toString('latin1').split(id).length - 1, 1, 'it stands in the extension alone');
  const leaf = ca.sign(id, publicKeyOf(own.csrDer), HOUR_MS);
  const issued = { leaf, intermediates: [], validUntilMs: Date.now() + HOUR_MS };
  const expected = { keyPem: own.keyPem, trustAnchorsPem: ca.pem, nowMs: Date.now() };
  assert.ok('chainPem' in verifyChain(issued, { ...expected, identity: id }));
  assert.ok('error' in verifyChain(issued, { ...expected, identity: NAME }));
});

test('any of several trust anchors will do', () => {
  const other = new TestCa('other.root.test');
  const anchors = `${other.pem}\n# a comment\n${ca.pem}`;
  const expected = { identity: NAME, keyPem: key.keyPem, trustAnchorsPem: anchors, nowMs: Date.now() };
  for (const signer of [ca, other]) assert.ok('chainPem' in verifyChain(certificate(HOUR_MS, NAME, signer), expected));
});

/** Lets promises settle that do not wait for the clock. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

function setUp(answer: () => Promise<Certificate>) {
  const clock = new FakeClock(Date.now());
  const log = new FakeLog();
  const metrics = new Registry(PROXY_METRICS, { seriesMax: 100, retainMs: 1 }, () => clock.nowMs());
  const credentials = new Credentials(NAME, ca.pem);
  let calls = 0;
  const client = {
    certify: () => {
      calls++;
      return answer();
    },
    watchTrust: () => () => undefined,
  };
  const deps = {
    client,
    clock,
    random: seededRandom(1),
    log: log.log,
    metrics,
    readToken: async () => Buffer.from('t'),
  };
  const config = { minRefreshMs: 10_000, maxRefreshMs: 24 * HOUR_MS };
  const renewal = new Renewal(deps, config, credentials, key);
  return { clock, log, metrics, credentials, renewal, calls: () => calls };
}

test('a certificate is renewed at 70 % of its life', async () => {
  const { clock, credentials, renewal, calls, metrics } = setUp(async () => certificate());
  await renewal.start();
  assert.equal(credentials.certified, true);
  await settle();
  clock.advance(HOUR_MS * 0.7 - 1_000);
  assert.equal(calls(), 1);
  clock.advance(2_000);
  await settle();
  assert.equal(calls(), 2);
  assert.match(metrics.render(), /control_identity_cert_refreshes_total\{result="ok"\} 2/);
  renewal.stop();
});

test('failures are logged, counted and tried again after the shortest refresh time', async () => {
  let fail = true;
  const { clock, credentials, renewal, calls, log, metrics } = setUp(async () => {
    if (fail) throw new Error('token not authenticated');
    return certificate();
  });
  const certified = renewal.start();
  await settle();
  assert.equal(credentials.certified, false);
  fail = false;
  clock.advance(10_000);
  await certified;
  assert.equal(calls(), 2);
  assert.ok(log.lines.some((line) => /Failed to obtain identity error=token not authenticated/.test(line)));
  assert.match(metrics.render(), /control_identity_cert_refreshes_total\{result="error"\} 1/);
  renewal.stop();
});

test('without a first certificate retries come soon, then slow down to the shortest refresh time', async () => {
  const { clock, renewal, calls } = setUp(async () => {
    throw new Error('connection refused');
  });
  void renewal.start();
  await settle();
  const callsAfter: number[] = [];
  for (const stepMs of [100, 200, 400, 800, 1600, 3200, 6400, 9999, 1]) {
    clock.advance(stepMs);
    await settle();
    callsAfter.push(calls());
  }
  assert.deepEqual(callsAfter, [2, 3, 4, 5, 6, 7, 8, 8, 9]);
  renewal.stop();
});

test('while the first certificate is missing the log says so every 15 seconds', async () => {
  const { clock, renewal, log } = setUp(() => new Promise(() => undefined));
  void renewal.start();
  clock.advance(31_000);
  assert.equal(log.lines.filter((line) => /Waiting for identity/.test(line)).length, 2);
  renewal.stop();
});

test('a controller that cannot be reached yet is tried again soon, and the log does not repeat itself', async () => {
  let failures = 3;
  const { clock, renewal, log } = setUp(async () => {
    if (failures-- > 0) throw new GrpcError('UNAVAILABLE', 'cannot connect');
    return certificate();
  });
  const certified = renewal.start();
  for (let i = 0; i < 3; i++) {
    await settle();
    clock.advance(500);
  }
  await certified;
  assert.equal(log.lines.filter((line) => /Failed to obtain identity/.test(line)).length, 1);
  renewal.stop();
});
