/** Python's gRPC library, pinned by version and content, in a cache folder of the repository. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository, requireProgram } from '../harness/index.ts';

/** Wheels of CPython 3.11 to 3.13, x86-64 and arm64. */
const REQUIREMENTS = {
  'grpcio==1.76.0': [
    '8843114c0cfce61b40ad48df65abcfc00d4dba82eae8718fab5352390848c5da',
    '08caea849a9d3c71a542827d6df9d5a69067b0a1efbea8a855633ff5d9571465',
    '980a846182ce88c4f2f7e2c22c56aefd515daeb36149d1c897f83cf57999e0b6',
    'd388087771c837cdb6515539f43b9d4bf0b0f23593a24054ac16f7a960be16f4',
    '61f69297cba3950a524f61c7c8ee12e55c486cb5f7db47ff9dcee33da6f0d3ae',
    '83d57312a58dcfe2a3a0f9d1389b299438909a02db60e2f2ea2ae2d8034909d3',
  ],
  'typing_extensions==4.15.0': ['f0fa19c6845758ab08074a0cfa8b7aecb71c999ca73d62883bc25cc018c4e548'],
};
const INSTALL_TIMEOUT_MS = 120_000;

/** The folder for PYTHONPATH; downloads once. Throws when Python or the package index cannot be had. */
export function grpcioFolder(): string {
  requireProgram('python3', 'python3');
  const version = run('python3', ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])']).trim();
  const cache = join(repository, 'node_modules', '.cache', 'weft-conformance');
  const home = join(cache, `grpcio-1.76.0-python${version}`);
  if (existsSync(home)) return home;
  requireProgram('pip3', 'python3-pip');
  const building = `${home}.${process.pid}`;
  mkdirSync(building, { recursive: true });
  try {
    const file = join(building, 'requirements.txt');
    const lines = Object.entries(REQUIREMENTS).map(([name, hashes]) =>
      [name, ...hashes.map((hash) => `--hash=sha256:${hash}`)].join(' '),
    );
    writeFileSync(file, `${lines.join('\n')}\n`);
    const flags = ['--quiet', '--disable-pip-version-check', '--no-deps', '--only-binary=:all:', '--require-hashes'];
    run('pip3', ['install', ...flags, '--target', building, '-r', file]);
    renameSync(building, home);
  } finally {
    rmSync(building, { recursive: true, force: true });
  }
  return home;
}

function run(program: string, args: readonly string[]): string {
  const done = spawnSync(program, args, { encoding: 'utf8', timeout: INSTALL_TIMEOUT_MS });
  if (done.status !== 0)
    throw new Error(`${program} ${args.slice(0, 2).join(' ')} failed: ${done.stderr || done.error?.message}`);
  return done.stdout;
}
