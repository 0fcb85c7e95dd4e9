import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect } from 'node:tls';
import { startWebhookServer } from '#kube/webhook';
import { createCertificate, createTrust, createWebhookCertificate, DAY_MS } from './create.ts';
import { describeCertificate, issuedByAnchors, readCertificates, sameCertificates } from './read.ts';

test('fresh trust is an anchor and an issuer signed by it, both authorities, for a year', async () => {
  const trust = await createTrust('identity.linkerd.cluster.local');
  const [anchor] = readCertificates(trust.anchors);
  const [issuer] = readCertificates(trust.issuer.certificate);
  assert.ok(anchor && issuer);
  assert.ok(issuedByAnchors(issuer, [anchor]));
  const facts = describeCertificate(issuer);
  assert.deepEqual(
    [facts.subject, facts.isCa, facts.keyType, Math.round((facts.notAfterMs - Date.now()) / DAY_MS)],
    ['identity.linkerd.cluster.local', true, 'ECDSA P-256', 365],
  );
  const der = (pem: string) => createPublicKey(createPrivateKey(pem)).export({ type: 'spki', format: 'der' });
  assert.deepEqual(der(trust.issuer.key), issuer.publicKey.export({ type: 'spki', format: 'der' }));
});

test('an issuer of other anchors is told apart', async () => {
  const [one, other] = await Promise.all([createTrust('a'), createTrust('a')]);
  const [issuer] = readCertificates(one.issuer.certificate);
  assert.ok(issuer && !issuedByAnchors(issuer, readCertificates(other.anchors)));
  assert.ok(sameCertificates(one.anchors + other.anchors, other.anchors + one.anchors));
  assert.ok(!sameCertificates(one.anchors, other.anchors));
});

test('a leaf below an intermediate is accepted with it and not without', async () => {
  const trust = await createTrust('a');
  const leaf = await createCertificate({ commonName: 'leaf', days: 1, issuer: trust.issuer });
  const certificate = new X509Certificate(leaf.certificate);
  const anchors = readCertificates(trust.anchors);
  assert.ok(!issuedByAnchors(certificate, anchors));
  assert.ok(issuedByAnchors(certificate, anchors, readCertificates(trust.issuer.certificate)));
  assert.equal(describeCertificate(certificate).isCa, false);
});

test('text without a certificate is an error', () => {
  assert.throws(() => readCertificates('nothing'), /no PEM certificate/);
});

test('a webhook server answers over TLS 1.3 with a certificate that is its own authority, and refuses TLS 1.2', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'weft-webhook-'));
  const { certificate, key } = await createWebhookCertificate('hook', 'ns');
  await writeFile(join(folder, 'tls.crt'), certificate);
  await writeFile(join(folder, 'tls.key'), key);
  const server = await startWebhookServer({
    host: '127.0.0.1',
    port: 0,
    certificateFile: join(folder, 'tls.crt'),
    keyFile: join(folder, 'tls.key'),
    handle: ({ name }) => ({ allowed: false, message: `not ${name}` }),
  });
  try {
    const body = JSON.stringify({
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      request: { uid: 'u', name: 'x'.repeat(100_000) },
    });
    const answer = await new Promise<string>((resolve, reject) => {
      const options = {
        host: '127.0.0.1',
        port: server.port,
        servername: 'hook.ns.svc',
        ca: certificate,
        method: 'POST',
      };
      const sent = request(options, (response) => {
        let text = '';
        response.on('data', (chunk) => {
          text += chunk;
        });
        response.on('end', () => resolve(text));
      });
      sent.on('error', reject);
      sent.end(body);
    });
    const { response } = JSON.parse(answer) as { response: { allowed: boolean; status: { message: string } } };
    assert.deepEqual([response.allowed, response.status.message.length], [false, 100_004]);
    const refused = await new Promise<Error>((resolve) => {
      const socket = connect({
        host: '127.0.0.1',
        port: server.port,
        ca: certificate,
        servername: 'hook.ns.svc',
        maxVersion: 'TLSv1.2',
      });
      socket.on('error', resolve);
    });
    assert.match(refused.message, /protocol/i);
  } finally {
    await server.close();
    await rm(folder, { recursive: true });
  }
});
