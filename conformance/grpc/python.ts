/** Python's gRPC library, pinned by version and content. */
import { spawnSync } from 'node:child_process';
import { wheelsFolder } from '../../tools/wheels.mjs';
import { requireProgram } from '../harness/index.ts';

/** Wheels of CPython 3.11 to 3.13, x86-64 and arm64. */
const GRPCIO = {
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

/** The folder for PYTHONPATH; downloads once. Throws when Python or the package index cannot be had. */
export function grpcioFolder(): string {
  requireProgram('python3', 'python3');
  requireProgram('pip3', 'python3-pip');
  const version = 'import sys; print("%d.%d" % sys.version_info[:2])';
  const { stdout, status, stderr } = spawnSync('python3', ['-c', version], { encoding: 'utf8', timeout: 10_000 });
  if (status !== 0) throw new Error(`python3 does not tell its version: ${stderr}`);
  return wheelsFolder(`grpcio-1.76.0-python${stdout.trim()}`, GRPCIO);
}
