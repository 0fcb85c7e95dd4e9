/** One trust for all: a root, an issuer below it, and a leaf of the client for tools that speak mesh TLS themselves. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createCertificate, createTrust } from '#cli/certificates';
import { CLIENT_NAME } from './addresses.ts';

export interface Material {
  /** Folder of `ca.pem`, `client-cert.pem` (leaf, then issuer), `client-key.pem`, `issuer-cert.pem`, `issuer-key.pem`, `SIDE.token`. */
  readonly folder: string;
  readonly anchors: string;
}

/** Makes and writes everything, readable by every uid: it goes with the run. All keys are ECDSA P-256, as in a mesh. */
export async function writeMaterial(folder: string): Promise<Material> {
  const { anchors, issuer } = await createTrust('identity.linkerd.cluster.local', 2);
  const leaf = await createCertificate({ commonName: CLIENT_NAME, dnsNames: [CLIENT_NAME], days: 1, issuer });
  const files: Record<string, string> = {
    'ca.pem': anchors,
    'client-cert.pem': leaf.certificate + issuer.certificate,
    'client-key.pem': leaf.key,
    'issuer-cert.pem': issuer.certificate,
    'issuer-key.pem': issuer.key,
    'client.token': 'system:serviceaccount:pair:client',
    'server.token': 'system:serviceaccount:pair:server',
  };
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text, { mode: 0o644 });
  return { folder, anchors };
}
