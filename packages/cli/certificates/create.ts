import { x509 } from '#runtime/x509';

/** PEM texts. */
export interface CertificateAndKey {
  certificate: string;
  /** SEC1-compatible PKCS#8, `BEGIN PRIVATE KEY`. */
  key: string;
}

export interface CertificateRequest {
  commonName: string;
  dnsNames?: readonly string[];
  isCa?: boolean;
  days: number;
  /** Absent: self-signed. */
  issuer?: CertificateAndKey;
  now?: Date;
}

export const DAY_MS = 24 * 60 * 60 * 1000;
/** Clocks of nodes may be behind ours. */
const BACKDATE_MS = 60_000;
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/** Makes a key pair and a certificate for it. */
export async function createCertificate(request: CertificateRequest): Promise<CertificateAndKey> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const { issuer, now = new Date() } = request;
  const issuerCertificate = issuer && new x509.X509Certificate(issuer.certificate);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: `CN=${request.commonName}`,
    issuer: issuerCertificate?.subject ?? `CN=${request.commonName}`,
    notBefore: new Date(now.getTime() - BACKDATE_MS),
    notAfter: new Date(now.getTime() + request.days * DAY_MS),
    publicKey: keys.publicKey,
    signingKey: issuer ? await importKey(issuer.key) : keys.privateKey,
    signingAlgorithm: ALGORITHM,
    extensions: await extensionsOf(request, keys.publicKey, issuerCertificate),
  });
  return { certificate: `${certificate.toString('pem')}\n`, key: await exportKey(keys.privateKey) };
}

/** A mesh's trust: the anchor that everyone knows and the issuer that identity signs with. */
export interface Trust {
  anchors: string;
  issuer: CertificateAndKey;
}

/** A fresh anchor and an issuer below it, for a year. The anchor's key is thrown away: it signed its one issuer. */
export async function createTrust(name: string, days = 365): Promise<Trust> {
  const root = await createCertificate({ commonName: `root.${name}`, isCa: true, days });
  const issuer = await createCertificate({ commonName: name, isCa: true, days, issuer: root });
  return { anchors: root.certificate, issuer };
}

/** A self-signed serving certificate, its own authority, for `service.namespace.svc`. */
export function createWebhookCertificate(service: string, namespace: string, days = 365): Promise<CertificateAndKey> {
  const dnsName = `${service}.${namespace}.svc`;
  return createCertificate({ commonName: dnsName, dnsNames: [dnsName], isCa: true, days });
}

async function extensionsOf(
  request: CertificateRequest,
  publicKey: CryptoKey,
  issuer: x509.X509Certificate | undefined,
): Promise<x509.Extension[]> {
  const { KeyUsageFlags } = x509;
  const usage = request.isCa
    ? KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign | (request.dnsNames ? KeyUsageFlags.digitalSignature : 0)
    : KeyUsageFlags.digitalSignature | KeyUsageFlags.keyEncipherment;
  const extensions: x509.Extension[] = [
    new x509.BasicConstraintsExtension(request.isCa ?? false, undefined, true),
    new x509.KeyUsagesExtension(usage, true),
    await x509.SubjectKeyIdentifierExtension.create(publicKey),
  ];
  if (issuer) extensions.push(await x509.AuthorityKeyIdentifierExtension.create(issuer));
  if (request.dnsNames || !request.isCa)
    extensions.push(
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
    );
  const names = request.dnsNames ?? [request.commonName];
  extensions.push(new x509.SubjectAlternativeNameExtension(names.map((value) => ({ type: 'dns' as const, value }))));
  return extensions;
}

/** Positive, 16 bytes: RFC 5280 wants at most 20. */
function serialNumber(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[0] = (bytes[0]! & 0x7f) | 0x40;
  return Buffer.from(bytes).toString('hex');
}

async function exportKey(key: CryptoKey): Promise<string> {
  return `${x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')}\n`;
}

async function importKey(pem: string): Promise<CryptoKey> {
  const { createPrivateKey } = await import('node:crypto');
  const der = createPrivateKey(pem).export({ format: 'der', type: 'pkcs8' });
  return crypto.subtle.importKey('pkcs8', new Uint8Array(der), ALGORITHM, false, ['sign']);
}
