// What the conformance suite of the Gateway API needs beside the set-up: the suite itself and the workload that it asks, built from the
// pinned Go modules, and those modules' custom resource definitions. Plain Node, no dependency.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cached, installHostPrograms, root } from './setup.mjs';

/** Host program -> Debian package. */
const PROGRAMS = { go: 'golang-go' };

/** Its go.mod pins the suite and what it is built from. */
const GO_MODULE = join(root, 'conformance', 'gateway-api', 'suite');
const API_MODULE = 'sigs.k8s.io/gateway-api';

/** Version of the Gateway API and of its suite, e.g. `1.6.3`. */
export function gatewayApiVersion() {
  const version = /^\s*sigs\.k8s\.io\/gateway-api v(\S+)$/m.exec(readFileSync(join(GO_MODULE, 'go.mod'), 'utf8'))?.[1];
  if (!version) throw new Error(`${GO_MODULE}/go.mod names no ${API_MODULE}`);
  return version;
}

function go(args, options = {}) {
  const env = { ...process.env, GOFLAGS: '-mod=readonly', GOWORK: 'off', CGO_ENABLED: '0' };
  const done = spawnSync('go', args, {
    cwd: GO_MODULE,
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 2],
    ...options,
  });
  if (done.status !== 0) throw new Error(`go ${args.join(' ')} failed (status ${done.status ?? done.signal})`);
  return done.stdout.trim();
}

/** Changes whenever one of the module's own files does. */
function sourcesHash() {
  const hash = createHash('sha256');
  for (const name of readdirSync(GO_MODULE, { recursive: true }).map(String).sort())
    if (/\.go$|^go\.(mod|sum)$/.test(name)) hash.update(`${name}\0`).update(readFileSync(join(GO_MODULE, name)));
  return hash.digest('hex').slice(0, 12);
}

/**
 * Builds what is missing; throws when something cannot be had. Paths of the suite, of the workload (server and client in one) and of the
 * folder of definitions, and the version of the API.
 */
export function installGatewayApiTools({ mayInstall = true } = {}) {
  installHostPrograms(PROGRAMS, { mayInstall });
  const version = gatewayApiVersion();
  const build = (folder) => {
    const flags = ['-trimpath', '-buildvcs=false'];
    go(['test', '-c', ...flags, '-o', join(folder, 'suite'), '.']);
    go(['build', ...flags, '-o', join(folder, 'echo'), './echo']);
    const module = go(['list', '-m', '-f', '{{.Dir}}', API_MODULE]);
    cpSync(join(module, 'config', 'crd', 'standard'), join(folder, 'crds'), { recursive: true });
  };
  const name = join('weft-conformance', `gateway-api-${version}-${sourcesHash()}`);
  const folder = cached(name, `the conformance suite of the Gateway API ${version} (Go module)`, build, mayInstall);
  return { suite: join(folder, 'suite'), echo: join(folder, 'echo'), crds: join(folder, 'crds'), version };
}
