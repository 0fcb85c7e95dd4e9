/** One trust for all: a root, an issuer below it, and the server's leaf that every peer shows on both sides. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createCertificate, createTrust } from '#cli/certificates';
import { SERVER_NAME } from './addresses.ts';

export interface Material {
  /**
   * Folder of PEM files: `ca`, `cert` (leaf, then issuer), `key`, `both` (leaf, issuer, key) for the peers, `issuer-cert`
   * and `issuer-key` for the control plane; and a token per service account. Readable by every uid: it goes with the run.
   */
  folder: string;
  anchors: string;
}

/** The service accounts that get a certificate, by the namespace of `bench`. */
export const ACCOUNTS = ['client', 'bb'] as const;

/** Makes and writes everything. All keys are ECDSA P-256, as in a mesh. */
export async function writeMaterial(folder: string): Promise<Material> {
  const { anchors, issuer } = await createTrust('identity.linkerd.cluster.local', 2);
  const leaf = await createCertificate({ commonName: SERVER_NAME, dnsNames: [SERVER_NAME], days: 1, issuer });
  const chain = leaf.certificate + issuer.certificate;
  const files: Record<string, string> = {
    'ca.pem': anchors,
    'cert.pem': chain,
    'key.pem': leaf.key,
    'both.pem': chain + leaf.key,
    'issuer-cert.pem': issuer.certificate,
    'issuer-key.pem': issuer.key,
  };
  for (const account of ACCOUNTS) files[`${account}.token`] = `system:serviceaccount:bench:${account}`;
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text, { mode: 0o644 });
  return { folder, anchors };
}
