import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { PROXY_METRICS } from '#model/metrics';
import { FakeClock } from '#runtime/clock';
import { FakeLog } from '#runtime/log';
import { Registry } from '#runtime/metrics';
import type { Certificate, StreamError, StreamSink, Trust } from '../discover/index.ts';
import { publicKeyOf, TestCa } from '../testing/index.ts';
import { Credentials, createKey, Renewal, TrustCache, TrustWatch } from './index.ts';

const NAME = 'web.a.serviceaccount.identity.linkerd.cluster.local';
const HOUR_MS = 3_600_000;
const derOf = (ca: TestCa) => new Uint8Array(new X509Certificate(ca.pem).raw);
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest();
const settle = () => new Promise((resolve) => setImmediate(resolve));

function setUp() {
  const [old, next] = [new TestCa('old.root.test'), new TestCa('new.root.test')];
  const clock = new FakeClock(Date.now());
  const log = new FakeLog();
  const metrics = new Registry(PROXY_METRICS, { seriesMax: 1_000, retainMs: 1 }, () => clock.nowMs());
  const credentials = new Credentials(NAME, old.pem);
  const key = createKey(NAME);
  const state = { signer: old, opened: 0, certified: 0, sink: undefined as StreamSink<Trust> | undefined };
  const client = {
    async certify(): Promise<Certificate> {
      state.certified += 1;
      const { signer } = state;
      const leaf = signer.sign(NAME, publicKeyOf(key.csrDer), HOUR_MS);
      return { leaf, intermediates: [derOf(signer)], validUntilMs: clock.wallMs() + HOUR_MS };
    },
    watchTrust(sink: StreamSink<Trust>) {
      state.opened += 1;
      state.sink = sink;
      return () => undefined;
    },
  };
  const deps = { client, clock, random: () => 0.5, log: log.log, metrics };
  const renewal = new Renewal(
    { ...deps, readToken: async () => Buffer.from('t') },
    { minRefreshMs: 10_000, maxRefreshMs: 24 * HOUR_MS },
    credentials,
    key,
  );
  const kept: string[] = [];
  const trust = new TrustWatch({ ...deps, remember: async (pem) => void kept.push(pem) }, credentials, renewal);
  const tell = (roots: readonly TestCa[], issuer: TestCa | undefined, renewWithinMs = 8_000) =>
    state.sink?.message({
      roots: roots.map(derOf),
      issuerSha256: issuer ? sha256(derOf(issuer)) : new Uint8Array(),
      renewWithinMs,
    });
  const end = (error: StreamError | undefined) => state.sink?.ended(error);
  return { old, next, clock, log, metrics, credentials, renewal, trust, state, kept, tell, end };
}

test('a new root counts as soon as it is told, next to the old one, and for the next handshake', async () => {
  const { old, next, credentials, renewal, trust, kept, tell, metrics } = setUp();
  await renewal.start();
  trust.start();
  const before = credentials.context();
  tell([old], old);
  assert.equal(credentials.context(), before, 'the same roots change nothing');
  tell([old, next], old);
  assert.notEqual(credentials.context(), before);
  assert.equal(credentials.certified, true);
  assert.equal(kept.length, 1);
  for (const ca of [old, next]) assert.ok(kept[0]?.includes(ca.pem.trim()));
  const name = sha256(Buffer.concat([derOf(old), derOf(next)])).toString('hex');
  assert.ok(metrics.render().includes(`control_identity_trust_roots_info{sha256="${name}"} 1`));
  renewal.stop();
  trust.stop();
});

test('a whole rotation: new root, new issuer, end of the old root; the certificate follows each', async () => {
  const { old, next, clock, credentials, renewal, trust, state, tell } = setUp();
  await renewal.start();
  trust.start();
  tell([old, next], old);
  state.signer = next;
  tell([old, next], next);
  clock.advance(3_999);
  await settle();
  assert.equal(state.certified, 1, 'each waits for a part of the time, so that not all ask at once');
  clock.advance(1);
  await settle();
  assert.equal(state.certified, 2);
  assert.deepEqual(renewal.issuerSha256, sha256(derOf(next)));
  tell([next], next);
  assert.ok(!credentials.trustAnchorsPem.includes(old.pem.trim()));
  clock.advance(8_000);
  await settle();
  assert.equal(state.certified, 2, 'the certificate is of the issuer of today');
  renewal.stop();
  trust.stop();
});

test('a certificate of a root that is not trusted yet is refused', async () => {
  const { next, clock, log, renewal, trust, state, tell, old } = setUp();
  await renewal.start();
  trust.start();
  state.signer = next;
  tell([old], next);
  clock.advance(4_000);
  await settle();
  assert.ok(log.lines.some((line) => /does not chain to the trust anchors/.test(line)));
  assert.deepEqual(renewal.issuerSha256, sha256(derOf(old)));
  renewal.stop();
  trust.stop();
});

test('roots that cannot be any leave the old ones in place', () => {
  const { old, credentials, trust, state, log } = setUp();
  trust.start();
  const told = (roots: Uint8Array[]) =>
    state.sink?.message({ roots, issuerSha256: new Uint8Array(), renewWithinMs: 1 });
  told([]);
  told([new Uint8Array([1, 2, 3])]);
  told([old.sign(NAME, publicKeyOf(createKey(NAME).csrDer), HOUR_MS)]);
  told(Array.from({ length: 65 }, () => derOf(old)));
  assert.equal(credentials.trustAnchorsPem, old.pem);
  assert.equal(log.lines.filter((line) => /New trust roots are refused/.test(line)).length, 4);
  trust.stop();
});

test('a control plane that does not tell is not asked again; one that is away is', () => {
  const silent = setUp();
  silent.trust.start();
  silent.end({ code: 'UNIMPLEMENTED', message: 'unknown method WatchTrust' });
  silent.clock.advance(HOUR_MS);
  assert.equal(silent.state.opened, 1);
  const away = setUp();
  away.trust.start();
  away.end({ code: 'UNAVAILABLE', message: 'cannot connect' });
  away.clock.advance(1_200);
  assert.equal(away.state.opened, 2);
  away.trust.stop();
});

test('learnt roots survive a restart of the container, until others are given', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'roots-'));
  try {
    const [given, learnt] = [new TestCa('given.test').pem, new TestCa('learnt.test').pem];
    assert.equal(await new TrustCache(folder, given).load(), given);
    await new TrustCache(folder, given).keep(learnt);
    assert.equal(await new TrustCache(folder, given).load(), learnt);
    const other = new TestCa('other.test').pem;
    assert.equal(await new TrustCache(folder, other).load(), other, 'given anew: the file is about something else');
    const file = join(folder, 'trust-roots.pem');
    await writeFile(file, (await readFile(file, 'utf8')).split('\n')[0] ?? '');
    assert.equal(await new TrustCache(folder, given).load(), given, 'half a file is none');
    assert.equal(await new TrustCache(undefined, given).load(), given);
  } finally {
    await rm(folder, { recursive: true });
  }
});
