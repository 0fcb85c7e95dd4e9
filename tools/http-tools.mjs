// What the suites of HTTP compare and attack with, beside the set-up: peers and testers of Debian, h2spec built from its pinned
// module, and Python's h2. Plain Node, no dependency.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { cached, installHostPrograms, root, withoutStartingServices } from './setup.mjs';
import { wheelsFolder } from './wheels.mjs';

/** Host program -> Debian package. */
export const HTTP_PROGRAMS = {
  nginx: 'nginx-light',
  haproxy: 'haproxy',
  slowhttptest: 'slowhttptest',
  go: 'golang-go',
  python3: 'python3',
  pip3: 'python3-pip',
};

/** Of the Go module; tools/h2spec pins it and what it is built from. */
export const H2SPEC_VERSION = '2.2.1';

/** Python's HTTP/2 and what it needs: version -> content. */
const H2 = {
  'h2==4.4.1': ['0e25f1462b23c9cb82d9eb02e28bc706dac2a68cb457c6a0d74d63c8a2a5d0e6'],
  'hpack==4.2.0': ['858ac0b02280fa582b5080d68db0899c62a80375e0e5413a74970c5e518b6986'],
  'hyperframe==6.1.0': ['b03380493a519fce58ea5af42e4a42317bf9bd425596f7a0835ffce80f1a42e5'],
};

const GO_MODULE = join(root, 'tools', 'h2spec');

function run(program, args, options = {}) {
  const done = spawnSync(program, args, { stdio: ['ignore', 2, 2], ...options });
  if (done.status !== 0) throw new Error(`${program} ${args.join(' ')} failed (status ${done.status})`);
}

/**
 * Installs everything that is missing; throws when something cannot be had. Returns the path of `h2spec` and the folder in which
 * Python finds `h2`.
 */
export function installHttpTools({ mayInstall = true } = {}) {
  withoutStartingServices(() => installHostPrograms(HTTP_PROGRAMS, { mayInstall }));
  const what = `h2spec ${H2SPEC_VERSION} (Go module)`;
  const build = (folder) => {
    // The module has no go.mod of its own; ours says what it is built from, go.sum what that must contain.
    const flags = ['-mod=readonly', '-trimpath', '-buildvcs=false', '-o', join(folder, 'h2spec')];
    run('go', ['build', ...flags, 'github.com/summerwind/h2spec/cmd/h2spec'], {
      cwd: GO_MODULE,
      env: { ...process.env, GOFLAGS: '', GOWORK: 'off' },
    });
  };
  const h2spec = cached(join('weft-conformance', `h2spec-${H2SPEC_VERSION}`), what, build, mayInstall);
  return { h2spec: join(h2spec, 'h2spec'), python: wheelsFolder('h2-4.4.1', H2, mayInstall) };
}
