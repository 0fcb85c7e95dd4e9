// What the conformance suite of the Gateway API needs beside the set-up: the suite itself and the workload that it asks, built from the
// pinned Go modules, and those modules' custom resource definitions. Plain Node, no dependency.
import { copyFileSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { go, sourcesHash } from './builds.mjs';
import { cached, mayInstall as mayInstallNow, root } from './setup.mjs';

/** Its go.mod pins the suite and what it is built from. */
const GO_MODULE = join(root, 'conformance', 'gateway-api', 'suite');
const API_MODULE = 'sigs.k8s.io/gateway-api';
/** Sets of definitions that a release has. */
const CHANNELS = ['standard', 'experimental'];

/** Version of the Gateway API and of its suite, e.g. `1.6.3`. */
export function gatewayApiVersion() {
  const version = /^\s*sigs\.k8s\.io\/gateway-api v(\S+)$/m.exec(readFileSync(join(GO_MODULE, 'go.mod'), 'utf8'))?.[1];
  if (!version) throw new Error(`${GO_MODULE}/go.mod names no ${API_MODULE}`);
  return version;
}

/**
 * Builds what is missing; throws when something cannot be had. Paths of the suite, of the workload (server and client in one) and of the
 * folders of definitions, those of the standard channel and of the experimental one, and the version of the API.
 */
export function installGatewayApiTools({ mayInstall = mayInstallNow() } = {}) {
  const version = gatewayApiVersion();
  const build = (folder) => {
    const flags = ['-trimpath', '-buildvcs=false'];
    go(GO_MODULE, ['test', '-c', ...flags, '-o', join(folder, 'suite'), '.']);
    go(GO_MODULE, ['build', ...flags, '-o', join(folder, 'echo'), './echo']);
    const printing = { stdio: ['ignore', 'pipe', 2] };
    const module = go(GO_MODULE, ['list', '-m', '-f', '{{.Dir}}', API_MODULE], printing).trim();
    for (const channel of CHANNELS) {
      const from = join(module, 'config', 'crd', channel);
      mkdirSync(join(folder, channel));
      for (const name of readdirSync(from)) copyFileSync(join(from, name), join(folder, channel, name));
    }
  };
  const name = join(
    'weft-conformance',
    `gateway-api-${version}-${CHANNELS.join('-')}-${sourcesHash(GO_MODULE, ['.go', 'go.mod', 'go.sum'])}`,
  );
  const folder = cached(name, `the conformance suite of the Gateway API ${version} (Go module)`, build, mayInstall);
  const at = (part) => join(folder, part);
  return {
    suite: at('suite'),
    echo: at('echo'),
    crds: at('standard'),
    experimentalCrds: at('experimental'),
    version,
  };
}
