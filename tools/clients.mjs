// Real clients of Kubernetes for its conformance tests, built from their pinned modules: Helm (Go), a program on client-go and
// controller-runtime (conformance/clients/go) and one on kube-rs (conformance/clients/rust). Plain Node, no dependency.
import { copyFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { go, need, run, sourcesHash } from './builds.mjs';
import { cached, root } from './setup.mjs';

/** Of the Go module helm.sh/helm/v3; go.mod of the Go clients pins it and what it is built from. */
export const HELM_VERSION = '3.22.0';

const GO = join(root, 'conformance', 'clients', 'go');
const RUST = join(root, 'conformance', 'clients', 'rust');

/** Builds a Go package of the clients' module into a folder of the cache. */
function goBuild(target, what, pkg, file) {
  const folder = cached(join('weft-conformance', target), what, (building) => {
    go(GO, ['build', '-trimpath', '-buildvcs=false', '-o', join(building, file), pkg]);
  });
  return join(folder, file);
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
