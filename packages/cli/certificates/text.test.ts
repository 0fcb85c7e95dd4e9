import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { certificateText, createCertificate, createTrust, isAuthority } from './index.ts';

const NAME = 'web.shop.serviceaccount.identity.linkerd.cluster.local';

test('a certificate is printed with its names, times, key and signature', async () => {
  const { issuer } = await createTrust('identity.linkerd.cluster.local');
  const now = new Date('2026-11-05T06:07:08Z');
  const leaf = await createCertificate({ commonName: NAME, dnsNames: [NAME], days: 1, issuer, now });
  const { raw, publicKey } = new X509Certificate(leaf.certificate);
  const text = certificateText(raw);
  assert.match(text, /^Certificate:\n {4}Data:\n {8}Version: 3 \(0x2\)\n {8}Serial Number:/);
  assert.match(text, / {4}Signature Algorithm: ECDSA-SHA256\n {8}Issuer: CN=identity\.linkerd\.cluster\.local\n/);
  assert.match(text, /Not Before: Nov {2}5 06:06:08 2026 UTC\n {12}Not After : Nov {2}6 06:07:08 2026 UTC/);
  assert.match(text, new RegExp(`Subject: CN=${NAME}\\n`));
  assert.match(text, /X509v3 Key Usage: critical\n {16}Digital Signature, Key Encipherment\n/);
  assert.match(text, /X509v3 Extended Key Usage:\n {16}TLS Web Server Authentication, TLS Web Client Authentication\n/);
  assert.match(text, new RegExp(`X509v3 Subject Alternative Name:\\n {16}DNS:${NAME}\\n`));
  const jwk = publicKey.export({ format: 'jwk' }) as { x: string; y: string };
  const printed = /X:\n([\s0-9a-f:]+?)\n\s+Y:/.exec(text)?.[1]?.replaceAll(/[\s:]/g, '');
  assert.equal(printed, Buffer.from(jwk.x, 'base64url').toString('hex'));
  assert.deepEqual([isAuthority(raw), isAuthority(new X509Certificate(issuer.certificate).raw)], [false, true]);
});
