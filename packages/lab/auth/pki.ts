import { x509 } from '#runtime/x509';
import { createAuthority, issueLeaf, type KeyPairPem } from './certificates.ts';

/** Everything secret that makes a cluster itself; kept beside its objects, so that a restart changes no identity. */
export interface ClusterKeys {
  /** Signs the API server's certificate and clients' certificates. */
  readonly ca: KeyPairPem;
  /** Signs the certificate with which the API server speaks to aggregated ones. */
  readonly frontProxyCa: KeyPairPem;
  /** RSA 2048, PKCS #8 and SPKI as PEM: signs service-account tokens (RS256). */
  readonly serviceAccountKey: string;
  readonly serviceAccountPublicKey: string;
}

const RSA = {
  name: 'RSASSA-PKCS1-v1_5',
  modulusLength: 2048,
  publicExponent: new Uint8Array([1, 0, 1]),
  hash: 'SHA-256',
} as const;

/** Makes the keys of a new cluster. */
export async function createClusterKeys(nowMs: number): Promise<ClusterKeys> {
  const rsa = await crypto.subtle.generateKey(RSA, true, ['sign', 'verify']);
  const [pkcs8, spki] = [
    await crypto.subtle.exportKey('pkcs8', rsa.privateKey),
    await crypto.subtle.exportKey('spki', rsa.publicKey),
  ];
  return {
    ca: await createAuthority('kubernetes', nowMs),
    frontProxyCa: await createAuthority('front-proxy-ca', nowMs),
    serviceAccountKey: x509.PemConverter.encode(pkcs8, 'PRIVATE KEY'),
    serviceAccountPublicKey: x509.PemConverter.encode(spki, 'PUBLIC KEY'),
  };
}

const SERVER_NAMES = [
  'kubernetes',
  'kubernetes.default',
  'kubernetes.default.svc',
  'kubernetes.default.svc.cluster.local',
  'localhost',
  '127.0.0.1',
] as const;

/** The API server's certificate for its usual names and the given ones (service IP, node IPs). */
export function issueServerCertificate(
  keys: ClusterKeys,
  names: readonly string[],
  nowMs: number,
): Promise<KeyPairPem> {
  const all = [...new Set([...SERVER_NAMES, ...names])];
  return issueLeaf(keys.ca, { commonName: 'kube-apiserver', usage: 'server', names: all }, nowMs);
}

/** A client certificate: the common name is the user, the organizations are the groups. */
export function issueClientCertificate(
  keys: ClusterKeys,
  user: { name: string; groups: readonly string[] },
  nowMs: number,
): Promise<KeyPairPem> {
  return issueLeaf(keys.ca, { commonName: user.name, organizations: user.groups, usage: 'client' }, nowMs);
}

/** What the API server shows to aggregated API servers. */
export function issueFrontProxyCertificate(keys: ClusterKeys, nowMs: number): Promise<KeyPairPem> {
  return issueLeaf(keys.frontProxyCa, { commonName: 'front-proxy-client', usage: 'client' }, nowMs);
}
