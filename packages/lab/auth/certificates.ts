import { isIP } from 'node:net';
import { x509 } from '#runtime/x509';

/** A certificate with its private key (PKCS #8), both as PEM text. */
export interface KeyPairPem {
  readonly certificate: string;
  readonly key: string;
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 24 * 60 * 60_000;
const CA_LIFETIME_MS = 3650 * DAY_MS;
const LEAF_LIFETIME_MS = 365 * DAY_MS;
/** Certificates begin in the past, so that a clock that is a little behind accepts them. */
const BACKDATE_MS = 5 * 60_000;

/** Makes a self-signed ECDSA P-256 authority of the given common name. */
export async function createAuthority(commonName: string, nowMs: number): Promise<KeyPairPem> {
  const keys = await generateKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: [{ CN: [commonName] }],
    keys,
    signingAlgorithm: ALGORITHM,
    notBefore: new Date(nowMs - BACKDATE_MS),
    notAfter: new Date(nowMs + CA_LIFETIME_MS),
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign | x509.KeyUsageFlags.digitalSignature,
        true,
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return pemPair(certificate, keys.privateKey);
}

export interface LeafRequest {
  readonly commonName: string;
  /** Groups of a Kubernetes client. */
  readonly organizations?: readonly string[];
  readonly usage: 'client' | 'server';
  /** DNS names and IP addresses, mixed. */
  readonly names?: readonly string[];
}

/** Issues a leaf of one year, signed by `authority`. */
export async function issueLeaf(authority: KeyPairPem, request: LeafRequest, nowMs: number): Promise<KeyPairPem> {
  const keys = await generateKeys();
  const issuer = new x509.X509Certificate(authority.certificate);
  const usage = request.usage === 'client' ? x509.ExtendedKeyUsage.clientAuth : x509.ExtendedKeyUsage.serverAuth;
  const extensions: x509.Extension[] = [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension([usage]),
    await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
  ];
  if (request.names?.length) extensions.push(new x509.SubjectAlternativeNameExtension(generalNames(request.names)));
  const organizations = request.organizations ?? [];
  const certificate = await x509.X509CertificateGenerator.create({
    subject: [...organizations.map((name) => ({ O: [name] })), { CN: [request.commonName] }],
    issuer: issuer.subjectName.toJSON(),
    publicKey: keys.publicKey,
    signingKey: await importKey(authority.key),
    signingAlgorithm: ALGORITHM,
    notBefore: new Date(nowMs - BACKDATE_MS),
    notAfter: new Date(nowMs + LEAF_LIFETIME_MS),
    extensions,
  });
  return pemPair(certificate, keys.privateKey);
}

/** True when `certificate` (DER) was signed by the authority and is valid at `nowMs`. */
export async function isIssuedBy(authorityPem: string, certificate: Uint8Array, nowMs: number): Promise<boolean> {
  const authority = new x509.X509Certificate(authorityPem);
  const leaf = new x509.X509Certificate(new Uint8Array(certificate));
  return leaf.issuer === authority.subject && leaf.verify({ publicKey: authority.publicKey, date: new Date(nowMs) });
}

const generateKeys = (): Promise<CryptoKeyPair> => crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);

const importKey = (pem: string): Promise<CryptoKey> =>
  crypto.subtle.importKey('pkcs8', x509.PemConverter.decodeFirst(pem), ALGORITHM, false, ['sign']);

async function pemPair(certificate: x509.X509Certificate, key: CryptoKey): Promise<KeyPairPem> {
  const pkcs8 = await crypto.subtle.exportKey('pkcs8', key);
  return {
    certificate: `${certificate.toString('pem')}\n`,
    key: `${x509.PemConverter.encode(pkcs8, 'PRIVATE KEY')}\n`,
  };
}

const generalNames = (names: readonly string[]): x509.JsonGeneralNames =>
  names.map((value) => ({ type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const), value }));
