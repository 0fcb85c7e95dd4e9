import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import { sanNames } from '#runtime/tls';
import type { Certificate } from '../discover/index.ts';
import { pem } from './der.ts';

/**
 * Checks a certificate that the control plane issued before it is used: for our name, for our key, not expired, and signed by a
 * chain up to one of the trust anchors. Returns the chain as PEM, or why it is refused.
 */
export function verifyChain(
  certificate: Certificate,
  expected: { identity: string; keyPem: string; trustAnchorsPem: string; nowMs: number },
): { chainPem: string } | { error: string } {
  const chain = [certificate.leaf, ...certificate.intermediates].map((der) => new X509Certificate(der));
  const leaf = chain[0]!;
  if (certificate.validUntilMs <= expected.nowMs) return { error: 'it has expired already' };
  if (!sanNames(leaf.subjectAltName).includes(expected.identity))
    return { error: `it is for ${leaf.subjectAltName ?? 'nobody'}, not for ${expected.identity}` };
  if (!leaf.checkPrivateKey(createPrivateKey(expected.keyPem))) return { error: 'it is for another key' };
  const anchors = splitPem(expected.trustAnchorsPem).map((text) => new X509Certificate(text));
  let current = leaf;
  const others = chain.slice(1);
  for (;;) {
    if (Date.parse(current.validTo) <= expected.nowMs) return { error: `${current.subject} has expired` };
    if (Date.parse(current.validFrom) > expected.nowMs) return { error: `${current.subject} is not valid yet` };
    if (anchors.some((anchor) => isIssuedBy(current, anchor))) break;
    const issuer = others.find((other) => isIssuedBy(current, other));
    if (!issuer) return { error: 'it does not chain to the trust anchors' };
    others.splice(others.indexOf(issuer), 1);
    current = issuer;
  }
  return { chainPem: [certificate.leaf, ...certificate.intermediates].map((der) => pem('CERTIFICATE', der)).join('') };
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.issuer === issuer.subject && certificate.verify(issuer.publicKey);
}

/** SHA-256 of a certificate. */
export const sha256Of = (der: Uint8Array): Buffer => createHash('sha256').update(der).digest();

/** The certificates of a bundle, one text each. */
export function splitPem(bundle: string): string[] {
  return bundle.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
}
