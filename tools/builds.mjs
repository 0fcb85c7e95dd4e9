// Building what tests and suites need from sources that pin what they are made of. Plain Node, no dependency.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { onPath } from './setup.mjs';

/** Runs a program to its end, its output on stderr, and returns what it printed where `options` ask for that. Throws when it fails. */
export function run(program, args, options) {
  const done = spawnSync(program, args, { stdio: ['ignore', 2, 2], encoding: 'utf8', ...options });
  if (done.status !== 0) throw new Error(`${program} ${args.join(' ')} failed (status ${done.status ?? done.signal})`);
  return done.stdout;
}

/** Throws when a program is missing, with where it is from. */
export function need(program, hint) {
  if (!onPath(program)) throw new Error(`missing program: ${program}; install ${hint}`);
}

/** Runs `go` in a module's folder, with nothing but what its go.mod and go.sum say, into static programs. */
export function go(module, args, options = {}) {
  need('go', 'Go >= 1.21 (go.dev/dl); it gets the version that go.mod names');
  const env = { ...process.env, GOFLAGS: '-mod=readonly', GOWORK: 'off', CGO_ENABLED: '0' };
  return run('go', args, { cwd: module, env, ...options });
}

/** Names, contents and order of a folder's sources in twelve letters, so that a change is built anew. */
export function sourcesHash(folder, suffixes) {
  const hash = createHash('sha256');
  const names = readdirSync(folder, { recursive: true }).map(String).sort();
  for (const name of names.filter((each) => suffixes.some((suffix) => each.endsWith(suffix))))
    hash
      .update(name)
      .update('\0')
      .update(readFileSync(join(folder, name)));
  return hash.digest('hex').slice(0, 12);
}
