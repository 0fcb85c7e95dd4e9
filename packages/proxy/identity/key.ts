import { webcrypto } from 'node:crypto';
import { Pkcs10CertificateRequestGenerator, SubjectAlternativeNameExtension } from '@peculiar/x509';

/** A key pair and the request that names it. */
export interface IdentityKey {
  /** PKCS#8; kept in memory only. */
  readonly keyPem: string;
  /** PKCS#10: common name and the only DNS name are the identity. */
  readonly csrDer: Uint8Array;
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/** Makes an ECDSA P-256 key and its certificate signing request. */
export async function createKey(identity: string): Promise<IdentityKey> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const request = await Pkcs10CertificateRequestGenerator.create(
    {
      name: [{ CN: [identity] }],
      keys: keys as CryptoKeyPair,
      signingAlgorithm: ALGORITHM,
      extensions: [new SubjectAlternativeNameExtension([{ type: 'dns', value: identity }])],
    },
    webcrypto as unknown as Crypto,
  );
  const der = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return { keyPem: pem('PRIVATE KEY', new Uint8Array(der)), csrDer: new Uint8Array(request.rawData) };
}

/** PEM text of some DER bytes. */
export function pem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
