import { createHash } from 'node:crypto';

/** Names a set of roots, whatever their text looks like: SHA-256 of their DER, one after the other, in hexadecimal. */
export function rootsSha256(ders: readonly Uint8Array[]): string {
  const hash = createHash('sha256');
  for (const der of ders) hash.update(der);
  return hash.digest('hex');
}
