// Adds to package-lock.json the optional packages of other platforms that `npm install` left out because its registry does not
// carry them: `npm ci` wants every edge of the tree in the lock, though it skips what does not fit the machine.
// Run after changing dependencies: node tools/complete-lock.mjs
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const file = join(import.meta.dirname, '..', 'package-lock.json');
const lock = JSON.parse(readFileSync(file, 'utf8'));
const OS = [
  'android',
  'darwin',
  'win32',
  'windows',
  'freebsd',
  'netbsd',
  'openbsd',
  'openharmony',
  'sunos',
  'aix',
  'linux',
];
const CPU = [
  'arm64',
  'aarch64',
  'x64',
  'ia32',
  'armv7',
  'arm',
  'loong64',
  'mips64el',
  'ppc64',
  'ppc64le',
  'riscv64',
  's390x',
];

/** What the platform packages' names say, e.g. `cli-linux-x64-musl`. */
function platformOf(name) {
  const words = name.split(/[/-]/);
  const os = words.find((word) => OS.includes(word));
  const cpu = words.find((word) => CPU.includes(word));
  if (!os || !cpu) throw new Error(`${name}: the name tells no platform; add its entry by hand`);
  const musl = words.includes('musl');
  return {
    os: [os === 'windows' ? 'win32' : os],
    cpu: [{ aarch64: 'arm64', armv7: 'arm' }[cpu] ?? cpu],
    ...(os === 'linux' && musl && { libc: ['musl'] }),
  };
}

const added = [];
for (const [path, entry] of Object.entries(lock.packages)) {
  if (path === '') continue;
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    if (lock.packages[`node_modules/${name}`] || lock.packages[`${path}/node_modules/${name}`]) continue;
    lock.packages[`node_modules/${name}`] = {
      version,
      ...(entry.dev && { dev: true }),
      optional: true,
      ...platformOf(name),
    };
    added.push(name);
  }
}
const [root, ...rest] = Object.entries(lock.packages);
lock.packages = Object.fromEntries([root, ...rest.sort(([a], [b]) => (a < b ? -1 : 1))]);
writeFileSync(file, `${JSON.stringify(lock, undefined, 2)}\n`);
console.log(added.length === 0 ? 'the lock is complete' : `added ${added.length}: ${added.join(', ')}`);
