/** A folder as docs/guides/install.md expects it: charts/, Helm, trust anchors and an issuer. */
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTrust } from '#cli/certificates';
import { helmPath } from '../../tools/clients.mjs';
import { repository } from './index.ts';

/** Temporary. */
export interface InstallFolder {
  /** The script as it is to be run: in the folder, ended by what fails first, with a Helm that keeps its files there. */
  within(script: string): string;
  remove(): void;
}

/** Makes one; whoever asks removes it. */
export async function installFolder(): Promise<InstallFolder> {
  const path = mkdtempSync(join(tmpdir(), 'weft-install-'));
  symlinkSync(join(repository, 'charts'), join(path, 'charts'));
  symlinkSync(helmPath(), join(path, 'helm'));
  const trust = await createTrust('identity.linkerd.cluster.local');
  writeFileSync(join(path, 'ca.crt'), trust.anchors);
  writeFileSync(join(path, 'issuer.crt'), trust.issuer.certificate);
  writeFileSync(join(path, 'issuer.key'), trust.issuer.key);
  const helm = ['cache', 'config', 'data'].map((kind) => `HELM_${kind.toUpperCase()}_HOME=$PWD/${kind}`).join(' ');
  return {
    within: (script) => `set -e; cd '${path}'; export PATH="$PATH:$PWD" ${helm}\n${script}`,
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}
