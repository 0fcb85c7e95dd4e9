import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { bits, commonName, der, ECDSA_SHA256, integer, isUri, nameExtension, oid, sequence, set } from './der.ts';

/** A key pair and the request that names it. */
export interface IdentityKey {
  /** PKCS#8; kept in memory only. */
  readonly keyPem: string;
  /** PKCS#10: the only alternative name is the identity; so is the common name of a DNS name. */
  readonly csrDer: Uint8Array;
}

/** PKCS#9: extensions asked for in a certificate request. */
const EXTENSION_REQUEST = '1.2.840.113549.1.9.14';

/** Makes an ECDSA P-256 key and its certificate signing request (RFC 2986). */
export function createKey(identity: string): IdentityKey {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    csrDer: createRequest(identity, privateKey, publicKey),
  };
}

function createRequest(identity: string, privateKey: KeyObject, publicKey: KeyObject): Uint8Array {
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const wanted = sequence(oid(EXTENSION_REQUEST), set(sequence(nameExtension(identity))));
  const info = sequence(integer(0), isUri(identity) ? sequence() : commonName(identity), spki, der(0xa0, wanted));
  return sequence(info, ECDSA_SHA256, bits(sign('sha256', info, privateKey)));
}
