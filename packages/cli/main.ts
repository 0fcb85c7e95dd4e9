#!/usr/bin/env bun
import { run } from './run.ts';

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
