import { createHash, type KeyObject, X509Certificate } from 'node:crypto';

/** What checks ask of a certificate. */
export interface CertificateFacts {
  /** Common name, or the whole subject without one. */
  subject: string;
  serial: string;
  notBeforeMs: number;
  notAfterMs: number;
  isCa: boolean;
  /** E.g. `ECDSA P-256`, `RSA 2048`, `Ed25519`. */
  keyType: string;
}

/** The certificates of a PEM bundle, in order. Throws when there is none or one cannot be parsed. */
export function readCertificates(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) throw new Error('no PEM certificate found');
  return blocks.map((block) => new X509Certificate(block));
}

export function describeCertificate(certificate: X509Certificate): CertificateFacts {
  const subject = certificate.subject ?? '';
  return {
    subject: /(?:^|\n)CN=(.*)/.exec(subject)?.[1] ?? subject.replaceAll('\n', ', '),
    serial: BigInt(`0x${certificate.serialNumber}`).toString(),
    notBeforeMs: Date.parse(certificate.validFrom),
    notAfterMs: Date.parse(certificate.validTo),
    isCa: certificate.ca,
    keyType: keyType(certificate.publicKey),
  };
}

/** True when one of the anchors is the certificate or signed it (or signed one of `intermediates` that did). */
export function issuedByAnchors(
  certificate: X509Certificate,
  anchors: readonly X509Certificate[],
  intermediates: readonly X509Certificate[] = [],
): boolean {
  const direct = anchors.some(
    (anchor) => anchor.fingerprint256 === certificate.fingerprint256 || signed(anchor, certificate),
  );
  if (direct) return true;
  return intermediates.some((middle, at) => {
    const others = intermediates.filter((_, index) => index !== at);
    return signed(middle, certificate) && issuedByAnchors(middle, anchors, others);
  });
}

/** Compares two bundles as sets. */
export function sameCertificates(one: string, other: string): boolean {
  const prints = (pem: string): string =>
    readCertificates(pem)
      .map((certificate) => createHash('sha256').update(certificate.raw).digest('hex'))
      .sort()
      .join();
  return prints(one) === prints(other);
}

function signed(issuer: X509Certificate, certificate: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

const CURVES: Record<string, string> = { prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' };

function keyType(key: KeyObject): string {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (type === 'ec') return `ECDSA ${CURVES[details?.namedCurve ?? ''] ?? details?.namedCurve}`;
  if (type === 'rsa') return `RSA ${details?.modulusLength}`;
  return type === 'ed25519' ? 'Ed25519' : String(type);
}
