// Real clients of Kubernetes for its conformance tests, built from their pinned modules: Helm (Go), a program on client-go and
// controller-runtime (conformance/clients/go) and one on kube-rs (conformance/clients/rust). Plain Node, no dependency.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cached, onPath, root } from './setup.mjs';

/** Of the Go module helm.sh/helm/v3; go.mod of the Go clients pins it and what it is built from. */
export const HELM_VERSION = '3.22.0';

const GO = join(root, 'conformance', 'clients', 'go');
const RUST = join(root, 'conformance', 'clients', 'rust');

function run(program, args, options) {
  const done = spawnSync(program, args, { stdio: ['ignore', 2, 2], ...options });
  if (done.status !== 0) throw new Error(`${program} ${args.join(' ')} failed (status ${done.status ?? done.signal})`);
}

function need(program, hint) {
  if (!onPath(program)) throw new Error(`missing program: ${program}; install ${hint}`);
}

/** Builds a Go package of the clients' module into a folder of the cache. */
function goBuild(target, what, pkg, file) {
  need('go', 'Go >= 1.21 (go.dev/dl); it gets the version that go.mod names');
  const folder = cached(join('weft-conformance', target), what, (building) => {
    const args = ['build', '-mod=readonly', '-trimpath', '-buildvcs=false', '-o', join(building, file), pkg];
    run('go', args, { cwd: GO, env: { ...process.env, GOFLAGS: '', GOWORK: 'off' } });
  });
  return join(folder, file);
}

/** Names, contents and order of a folder's sources in twelve letters, so that a change is built anew. */
function sourcesHash(folder, suffixes) {
  const hash = createHash('sha256');
  const names = readdirSync(folder, { recursive: true }).map(String).sort();
  for (const name of names.filter((each) => suffixes.some((suffix) => each.endsWith(suffix))))
    hash
      .update(name)
      .update('\0')
      .update(readFileSync(join(folder, name)));
  return hash.digest('hex').slice(0, 12);
}

/** Path of `helm`. */
export const helmPath = () =>
  goBuild(`helm-${HELM_VERSION}`, `Helm ${HELM_VERSION} (Go module)`, 'helm.sh/helm/v3/cmd/helm', 'helm');

/** Path of the program on client-go and controller-runtime. */
export const goClientsPath = () =>
  goBuild(
    `go-clients-${sourcesHash(GO, ['.go', 'go.mod', 'go.sum'])}`,
    'the clients on client-go and controller-runtime',
    '.',
    'clients',
  );

/** Path of the program on kube-rs. What it depends on is kept built: the program itself is small. */
export function rustClientPath() {
  need('cargo', 'Rust >= 1.89 (rustup.rs)');
  const name = 'weft-kube-client';
  const hash = sourcesHash(RUST, ['.rs', 'Cargo.toml', 'Cargo.lock']);
  const folder = cached(join('weft-conformance', `rust-client-${hash}`), 'the client on kube-rs', (building) => {
    const target = join(dirname(building), 'rust-target');
    run('cargo', ['build', '--locked'], { cwd: RUST, env: { ...process.env, CARGO_TARGET_DIR: target } });
    copyFileSync(join(target, 'debug', name), join(building, name));
  });
  return join(folder, name);
}
