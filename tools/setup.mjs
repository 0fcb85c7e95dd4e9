// Makes a fresh clone ready to run: npm packages by `npm ci`, host programs by apt-get where that is allowed.
// Used by `npm run demo`, `npm test` and `npm run bench`; says each thing it does on stderr. Plain Node, no dependency.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');

// Where Go and Rust are installed by their own instructions; the PATH of a shell that nobody logs into often lacks them.
const LANGUAGES = ['/usr/local/go/bin', join(homedir(), '.cargo', 'bin')];
process.env.PATH = [process.env.PATH ?? '', ...LANGUAGES.filter((folder) => existsSync(folder))].join(delimiter);

/** Host program -> Debian package that carries it: what labs, the demonstration and the scenarios call. */
export const PROGRAMS = {
  ip: 'iproute2',
  nft: 'nftables',
  iptables: 'iptables',
  'iptables-restore': 'iptables',
  conntrack: 'conntrack',
  unshare: 'util-linux',
  nsenter: 'util-linux',
  setpriv: 'util-linux',
  pivot_root: 'util-linux',
  mount: 'mount',
  umount: 'mount',
  mknod: 'coreutils',
  hostname: 'hostname',
  sh: 'dash',
  curl: 'curl',
  tcpdump: 'tcpdump',
  git: 'git',
  jq: 'jq',
  pip3: 'python3-pip',
  python3: 'python3',
  openssl: 'openssl',
};

const say = (text) => process.stderr.write(`setup: ${text}\n`);

function fail(text) {
  process.stderr.write(`setup: ${text}\n`);
  process.exit(1);
}

/** Whether anything may be fetched beside npm packages: not after `--no-install`, nor by what was started by such a command. */
export function mayInstall(args = process.argv) {
  if (args.includes('--no-install')) process.env.WEFT_INSTALL = 'no';
  return process.env.WEFT_INSTALL !== 'no';
}

/** A folder of the repository's cache that is made once, by `build(folder)`, which throws when it fails. `what`: for the one who waits. */
export function cached(name, what, build, may = mayInstall()) {
  const home = join(root, 'node_modules', '.cache', name);
  if (existsSync(home)) return home;
  if (!may) throw new Error(`${what} is missing; run without --no-install, which gets it`);
  say(`getting ${what}`);
  const building = `${home}.${process.pid}`;
  mkdirSync(building, { recursive: true });
  try {
    build(building);
    if (!existsSync(home)) renameSync(building, home);
  } finally {
    rmSync(building, { recursive: true, force: true });
  }
  return home;
}

/** Whether an executable of that name is on PATH or in the system folders that a user's PATH often lacks. */
export function onPath(program) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return folders.some((folder) => folder !== '' && existsSync(join(folder, program)));
}

/** `npm ci`, unless that was done for the present lock file. */
export function installNpmPackages() {
  const wanted = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  const stamp = join(root, 'node_modules', '.weft-lock');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  say('installing npm packages (npm ci)');
  const done = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: root, stdio: ['ignore', 2, 2] });
  if (done.status !== 0) fail(`npm ci failed with status ${done.status}; see its message above`);
  writeFileSync(stamp, wanted);
}

/** Installs the Debian packages of the missing `programs`, or says which to install. */
export function installHostPrograms(programs = PROGRAMS, { mayInstall = true } = {}) {
  const missing = Object.keys(programs).filter((program) => !onPath(program));
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map((program) => programs[program]))];
  const hint = `missing programs: ${missing.join(', ')}; install them with: apt-get install ${packages.join(' ')}`;
  if (!mayInstall) fail(hint);
  if (process.getuid?.() !== 0) fail(`${hint} (root is needed for that)`);
  if (!onPath('apt-get')) fail(`${hint} (this system has no apt-get: use its own package manager)`);
  say(`installing Debian packages: ${packages.join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const options = { stdio: ['ignore', 'ignore', 2], env };
  const install = () => spawnSync('apt-get', ['install', '-y', '--no-install-recommends', ...packages], options);
  if (install().status === 0) return;
  say('refreshing the package lists (apt-get update)');
  spawnSync('apt-get', ['update'], options);
  const done = install();
  if (done.status !== 0) fail(`apt-get could not install ${packages.join(' ')} (status ${done.status})`);
}

/** Runs `install`. Debian starts freshly installed servers unless this file, if there is none yet, says no. */
export function withoutStartingServices(install) {
  const policy = '/usr/sbin/policy-rc.d';
  const ours = process.getuid?.() === 0 && onPath('apt-get') && !existsSync(policy);
  if (ours) {
    process.on('exit', () => rmSync(policy, { force: true }));
    writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  }
  install();
  if (ours) rmSync(policy, { force: true });
}

/** Everything that the lab, the demonstration and the tests need. `--no-install` forbids Debian packages. */
export function setUp({ mayInstall = true } = {}) {
  const major = Number(process.versions.node.split('.')[0]);
  if (major < 20) fail(`Node >= 20 is needed, this is ${process.versions.node}`);
  if (process.platform !== 'linux') fail(`Linux is needed (network namespaces), this is ${process.platform}`);
  installNpmPackages();
  if (process.getuid?.() !== 0)
    fail('root is needed: the lab makes network namespaces; run the same command with sudo');
  installHostPrograms(PROGRAMS, { mayInstall });
}

/** Path of the pinned Bun. */
export function bunPath() {
  const arch = process.arch === 'arm64' ? 'aarch64' : 'x64';
  const found = [
    join(root, 'node_modules', '@oven', `bun-linux-${arch}`, 'bin', 'bun'),
    join(root, 'node_modules', '.bin', 'bun'),
  ].find((path) => existsSync(path));
  return found ?? fail('Bun is missing from node_modules; delete node_modules and run the command again');
}
