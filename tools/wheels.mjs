// Packages of the Python package index as wheels, pinned by version and content. Plain Node, no dependency.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cached, mayInstall } from './setup.mjs';

const INSTALL_TIMEOUT_MS = 300_000;

/**
 * The folder that holds the packages, for PYTHONPATH or their programs; downloaded once. `packages`: `name==version` -> SHA-256 of the
 * wheels that may be taken, one for each platform. Throws when they cannot be had.
 *
 * @param {string} name of the folder
 * @param {Readonly<Record<string, readonly string[]>>} packages
 */
export function wheelsFolder(name, packages, may = mayInstall()) {
  const what = `Python packages ${Object.keys(packages).join(', ')}`;
  return cached(join('weft-wheels', name), what, (folder) => install(folder, packages), may);
}

function install(folder, packages) {
  const requirements = join(folder, 'requirements.txt');
  const lines = Object.entries(packages).map(([each, hashes]) =>
    [each, ...hashes.map((hash) => `--hash=sha256:${hash}`)].join(' '),
  );
  writeFileSync(requirements, `${lines.join('\n')}\n`);
  const flags = ['--quiet', '--disable-pip-version-check', '--no-deps', '--only-binary=:all:', '--require-hashes'];
  const args = ['install', ...flags, '--root-user-action=ignore', '--target', folder, '-r', requirements];
  const done = spawnSync('pip3', args, { stdio: ['ignore', 2, 2], timeout: INSTALL_TIMEOUT_MS });
  if (done.status !== 0) throw new Error(`pip3 failed (${done.error?.message ?? `status ${done.status}`})`);
}
