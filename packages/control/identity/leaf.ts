/** Signing leaf certificates. */
import { webcrypto } from 'node:crypto';
import { GrpcError } from '#runtime/grpc';
import { x509 } from '#runtime/x509';
import type { Csr } from './csr.ts';
import type { Issuer } from './issuer.ts';

export interface LeafOptions {
  issuer: Issuer;
  csr: Csr;
  identity: string;
  serial: bigint;
  nowMs: number;
  lifetimeMs: number;
  /** Added at both ends of the validity, for peers whose clocks differ. */
  skewMs: number;
}

/** Signs a certificate for the request's key and identity, of use to servers and clients. */
export async function signLeaf(options: LeafOptions): Promise<{ der: Buffer; notAfterMs: number }> {
  const { issuer, csr, nowMs } = options;
  const publicKey = csr.publicKey.algorithm;
  if (publicKey.name !== 'ECDSA')
    throw new GrpcError('INTERNAL', `public keys must be ECDSA, but the request holds ${publicKey.name}`);
  const [issuerCertificate] = issuer.chain;
  if (!issuerCertificate) throw new GrpcError('INTERNAL', 'the issuer has no certificate');
  const parent = new x509.X509Certificate(Uint8Array.from(issuerCertificate.raw));
  // X.509 counts seconds: what the proxy is told must be what the certificate says.
  const notAfterMs = Math.floor(Math.min(nowMs + options.lifetimeMs + options.skewMs, issuer.notAfterMs) / 1000) * 1000;
  const { KeyUsageFlags, ExtendedKeyUsage } = x509;
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: toSerial(options.serial),
    subject: csr.subjectName,
    // The very bytes of the issuer's subject: verifiers compare encodings.
    issuer: parent.subjectName,
    notBefore: new Date(nowMs - options.skewMs),
    notAfter: new Date(notAfterMs),
    publicKey: csr.publicKey,
    signingKey: await importKey(issuer),
    signingAlgorithm: issuer.key.kind === 'ec' ? { name: 'ECDSA', hash: 'SHA-256' } : { name: 'RSASSA-PKCS1-v1_5' },
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(KeyUsageFlags.digitalSignature | KeyUsageFlags.keyEncipherment, true),
      new x509.ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
      // Critical where the subject is empty: then the name stands only here (RFC 5280 section 4.2.1.6).
      new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: options.identity }], csr.subject === ''),
      await x509.AuthorityKeyIdentifierExtension.create(parent),
    ],
  });
  return { der: Buffer.from(certificate.rawData), notAfterMs };
}

function toSerial(serial: bigint): string {
  const hex = serial.toString(16);
  return hex.length % 2 === 0 ? hex : `0${hex}`;
}

const CURVES: Record<string, string> = { prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' };

function importKey(issuer: Issuer): Promise<CryptoKey> {
  const { pkcs8, kind, curve } = issuer.key;
  const algorithm =
    kind === 'ec'
      ? { name: 'ECDSA', namedCurve: CURVES[curve ?? ''] ?? 'P-256' }
      : { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
  return webcrypto.subtle.importKey('pkcs8', Uint8Array.from(pkcs8), algorithm, false, ['sign']) as Promise<CryptoKey>;
}
