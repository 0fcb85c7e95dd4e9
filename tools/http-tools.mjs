// What the suites of HTTP compare and attack with, beside the set-up: peers and testers of Debian, h2spec built from its pinned
// module, and Python's h2. Plain Node, no dependency.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { installHostPrograms, root, withoutStartingServices } from './setup.mjs';

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

/** Python packages by version and content. */
const PYTHON_PACKAGES = [
  ['h2==4.4.1', '0e25f1462b23c9cb82d9eb02e28bc706dac2a68cb457c6a0d74d63c8a2a5d0e6'],
  ['hpack==4.2.0', '858ac0b02280fa582b5080d68db0899c62a80375e0e5413a74970c5e518b6986'],
  ['hyperframe==6.1.0', 'b03380493a519fce58ea5af42e4a42317bf9bd425596f7a0835ffce80f1a42e5'],
];

const CACHE = join(root, 'node_modules', '.cache', 'weft-conformance');
const GO_MODULE = join(root, 'tools', 'h2spec');

const say = (text) => process.stderr.write(`setup: ${text}\n`);

/** Makes `home` once by `build(folder)`, which throws when it fails. */
function cached(home, mayInstall, what, build) {
  if (existsSync(home)) return;
  if (!mayInstall) throw new Error(`${what} is missing; run without --no-install, which gets it`);
  say(`getting ${what}`);
  const building = `${home}.${process.pid}`;
  mkdirSync(building, { recursive: true });
  try {
    build(building);
    if (!existsSync(home)) renameSync(building, home);
  } finally {
    rmSync(building, { recursive: true, force: true });
  }
}

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
  const h2spec = join(CACHE, `h2spec-${H2SPEC_VERSION}`);
  cached(h2spec, mayInstall, `h2spec ${H2SPEC_VERSION} (Go module)`, (folder) => {
    // The module has no go.mod of its own; ours says what it is built from, go.sum what that must contain.
    const flags = ['-mod=readonly', '-trimpath', '-buildvcs=false', '-o', join(folder, 'h2spec')];
    run('go', ['build', ...flags, 'github.com/summerwind/h2spec/cmd/h2spec'], {
      cwd: GO_MODULE,
      env: { ...process.env, GOFLAGS: '', GOWORK: 'off' },
    });
  });
  const python = join(CACHE, `python-${PYTHON_PACKAGES[0][0].replace('==', '-')}`);
  cached(python, mayInstall, `Python packages ${PYTHON_PACKAGES.map(([name]) => name).join(', ')}`, (folder) => {
    const requirements = join(folder, 'requirements.txt');
    writeFileSync(requirements, PYTHON_PACKAGES.map(([name, hash]) => `${name} --hash=sha256:${hash}\n`).join(''));
    const flags = ['--quiet', '--disable-pip-version-check', '--no-deps', '--only-binary=:all:', '--require-hashes'];
    run('pip3', ['install', ...flags, '--root-user-action=ignore', '--target', folder, '-r', requirements]);
  });
  return { h2spec: join(h2spec, 'h2spec'), python };
}
