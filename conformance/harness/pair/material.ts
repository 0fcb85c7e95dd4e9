/** One trust for all: a root, an issuer below it, and a leaf for each side. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createCertificate, createTrust } from '#cli/certificates';
import { CLIENT_NAME, SERVER_NAME } from './addresses.ts';

export interface Material {
  /**
   * Folder of `ca.pem`, `issuer-cert.pem` and `issuer-key.pem` for the control plane, `SIDE.token`, and for programs that speak mesh
   * TLS themselves `SIDE-cert.pem` (leaf, then issuer), `SIDE-key.pem` and `SIDE-both.pem` (leaf, issuer, key).
   */
  readonly folder: string;
  readonly anchors: string;
}

const SIDES = { client: CLIENT_NAME, server: SERVER_NAME } as const;

/** Makes and writes everything, readable by every uid: it goes with the run. All keys are ECDSA P-256, as in a mesh. */
export async function writeMaterial(folder: string): Promise<Material> {
  const { anchors, issuer } = await createTrust('identity.linkerd.cluster.local', 2);
  const files: Record<string, string> = {
    'ca.pem': anchors,
    'issuer-cert.pem': issuer.certificate,
    'issuer-key.pem': issuer.key,
  };
  for (const [side, name] of Object.entries(SIDES)) {
    const leaf = await createCertificate({ commonName: name, dnsNames: [name], days: 1, issuer });
    const chain = leaf.certificate + issuer.certificate;
    files[`${side}-cert.pem`] = chain;
    files[`${side}-key.pem`] = leaf.key;
    files[`${side}-both.pem`] = chain + leaf.key;
    files[`${side}.token`] = `system:serviceaccount:pair:${side}`;
  }
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text, { mode: 0o644 });
  return { folder, anchors };
}
