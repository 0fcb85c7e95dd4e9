#!/usr/bin/env bun
import { tuneMemory } from '#runtime/engine';
import { run } from './run.ts';

// The one process that stands beside every application.
const failed = process.argv[2] === 'proxy' ? tuneMemory() : undefined;
if (failed) process.stderr.write(`the proxy will take more memory than it needs: ${failed.message}\n`);

// No top-level await: bytecode is compiled from a form of modules that has none.
run(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    process.exitCode = 1;
  },
);
