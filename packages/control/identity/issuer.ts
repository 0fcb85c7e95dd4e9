/** The issuer: the CA certificate and key that sign workloads' certificates, checked against the trust anchors. */
import { createPrivateKey, X509Certificate } from 'node:crypto';

export interface Issuer {
  /** The issuer's own certificate, then those towards the root, as they stood in the file. */
  chain: readonly X509Certificate[];
  /** PKCS#8 in DER, and how it signs. */
  key: { pkcs8: Buffer; kind: 'ec' | 'rsa'; curve: string | undefined };
  /** The earliest expiry in the chain: leaves end there at the latest. */
  notAfterMs: number;
}

/** Why credentials cannot be used; a sentence for the operator. */
export class IssuerError extends Error {}

/** All certificates of a PEM bundle, in order. */
export function readCertificates(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}

/**
 * Reads issuer credentials and checks them: a CA certificate, valid now, whose key this is, and that one of `anchors`
 * vouches for. Throws IssuerError.
 */
export function readIssuer(
  files: { certificate: string; key: string },
  anchors: readonly X509Certificate[],
  nowMs: number,
): Issuer {
  const chain = parsing('certificate', () => readCertificates(files.certificate));
  const key = parsing('key', () => createPrivateKey(files.key));
  const [certificate] = chain;
  if (!certificate) throw new IssuerError('the issuer file holds no PEM certificate');
  if (!certificate.checkPrivateKey(key)) throw new IssuerError('the issuer key does not belong to its certificate');
  if (key.asymmetricKeyType !== 'ec' && key.asymmetricKeyType !== 'rsa')
    throw new IssuerError(`the issuer key must be ECDSA or RSA, but is ${key.asymmetricKeyType}`);
  const issuer: Issuer = {
    chain,
    key: {
      pkcs8: key.export({ type: 'pkcs8', format: 'der' }),
      kind: key.asymmetricKeyType,
      curve: key.asymmetricKeyDetails?.namedCurve,
    },
    notAfterMs: Math.min(...chain.map((each) => Date.parse(each.validTo))),
  };
  verifyIssuer(issuer, anchors, nowMs);
  return issuer;
}

/**
 * Checks that the issuer may still sign: each step up to an anchor is a valid CA. Names are not looked at, as an issuer's name
 * says nothing to a proxy. Throws IssuerError.
 */
export function verifyIssuer(issuer: Issuer, anchors: readonly X509Certificate[], nowMs: number): void {
  const others = new Set(issuer.chain.slice(1));
  let current = issuer.chain[0];
  while (current) {
    requireValidCa(current, nowMs);
    const step = current;
    if (anchors.some((anchor) => anchor.raw.equals(step.raw))) return;
    const anchor = anchors.find((each) => signed(each, step));
    if (anchor) {
      requireValidCa(anchor, nowMs);
      return;
    }
    const next = [...others].find((each) => signed(each, step));
    if (next) others.delete(next);
    current = next;
  }
  throw new IssuerError('no trust anchor vouches for the issuer certificate; compare it with the trust roots');
}

const signed = (parent: X509Certificate, child: X509Certificate) =>
  child.checkIssued(parent) && child.verify(parent.publicKey);

function requireValidCa(certificate: X509Certificate, nowMs: number): void {
  const subject = certificate.subject.replaceAll('\n', ', ');
  if (!certificate.ca) throw new IssuerError(`certificate "${subject}" is not a CA`);
  if (nowMs < Date.parse(certificate.validFrom))
    throw new IssuerError(`certificate "${subject}" is not valid before ${certificate.validFrom}`);
  if (nowMs > Date.parse(certificate.validTo))
    throw new IssuerError(`certificate "${subject}" expired at ${certificate.validTo}`);
}

function parsing<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new IssuerError(`the issuer ${what} cannot be read: ${(error as Error).message}`);
  }
}
