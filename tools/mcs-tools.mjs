// What the Multi-Cluster Services API is compared with: the definitions of its release, from the pinned Go module. Plain Node, no dependency.
import { copyFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { go, sourcesHash } from './builds.mjs';
import { cached, mayInstall as mayInstallNow, root } from './setup.mjs';

/** Its go.mod pins the release. */
const GO_MODULE = join(root, 'conformance', 'mcs', 'definitions');
const API_MODULE = 'sigs.k8s.io/mcs-api';

/** Gets what is missing; throws when it cannot be had. Path of a folder with the definitions, a YAML file each. */
export function installMcsDefinitions({ mayInstall = mayInstallNow() } = {}) {
  const get = (folder) => {
    const told = go(GO_MODULE, ['mod', 'download', '-json', API_MODULE], { stdio: ['ignore', 'pipe', 2] });
    const from = join(JSON.parse(told).Dir, 'config', 'crd');
    for (const name of readdirSync(from).filter((each) => each.endsWith('.yaml')))
      copyFileSync(join(from, name), join(folder, name));
  };
  const name = join('weft-conformance', `mcs-definitions-${sourcesHash(GO_MODULE, ['go.mod', 'go.sum'])}`);
  return cached(name, 'the definitions of the Multi-Cluster Services API (Go module)', get, mayInstall);
}
