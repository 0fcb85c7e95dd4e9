// `npm test [-- --no-install] [FILTER…]`: sets up, checks the tree, runs unit tests on both runtimes and every scenario, and
// closes with `N passed, N failed`. Exits 1 when anything failed. Each stage is bounded in time. `npm run check` is the part
// without scenarios, which needs neither root nor host programs.
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bunPath, installNpmPackages, mayInstall, onPath, root, setUp } from './setup.mjs';

const args = process.argv.slice(2);
const filters = args.filter((arg) => !arg.startsWith('--'));
const isCheck = args.includes('--check');
if (isCheck) installNpmPackages();
else setUp({ mayInstall: mayInstall(args) });
const bun = bunPath();
const bin = (name) => join(root, 'node_modules', '.bin', name);
const MINUTE_MS = 60_000;
/** Scenario files that run at once: they mostly wait, on two cores. */
const LANES = 2;
/** Of a failed test this many lines of output before its name are said again at the end. */
const EXCERPT_LINES = 25;
const KEPT_CHARS = 2_000_000;

let passed = 0;
let failed = 0;
const failures = [];

/** What a failed command printed of each failed test, or its last lines when it names none. */
function excerpts(title, output) {
  const lines = output.split('\n');
  const ends = lines.flatMap((line, at) => (/^(\(fail\)|not ok|✖) /.test(line) ? [at + 1] : []));
  const of = (end) => lines.slice(Math.max(0, end - EXCERPT_LINES), end).join('\n');
  return (ends.length > 0 ? ends : [lines.length]).map((end) => `-- ${title}\n${of(end)}`);
}

/**
 * Runs a command and shows its output, at once or, when others run beside it, whole at its end; counts the test results it
 * prints, or the command itself as one test.
 */
function run(title, command, argv, { counts = false, limitMs = 5 * MINUTE_MS, beside = false } = {}) {
  return new Promise((resolve) => {
    const startedMs = Date.now();
    if (!beside) process.stdout.write(`\n== ${title}\n`);
    const child = spawn(command, argv, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, CI: 'true' },
    });
    let output = '';
    const take = (chunk) => {
      if (!beside) process.stdout.write(chunk);
      output = (output + chunk).slice(-KEPT_CHARS);
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    const timer = setTimeout(() => {
      take(`\n${title}: not finished after ${limitMs / MINUTE_MS} minutes, ended\n`);
      child.kill('SIGTERM');
      setTimeout(() => child.kill('SIGKILL'), 30_000).unref();
    }, limitMs);
    child.on('close', (code) => {
      clearTimeout(timer);
      const tail = output.slice(-20_000);
      const number = (pattern) => Number(tail.match(pattern)?.[1] ?? 0);
      const pass = number(/^\s*(?:# pass|ℹ pass)?\s*(\d+) pass$/m) || number(/^(?:#|ℹ) pass (\d+)$/m);
      const fail = number(/^\s*(\d+) fail$/m) || number(/^(?:#|ℹ) fail (\d+)$/m);
      if (counts && pass + fail > 0) {
        passed += pass;
        failed += fail;
        if (code !== 0 && fail === 0) failed += 1;
      } else if (code === 0 && !counts) passed += 1;
      else failed += 1;
      if (code !== 0) failures.push(...excerpts(title, output));
      if (beside) process.stdout.write(`\n== ${title}\n${output}`);
      process.stdout.write(
        `== ${title}: ${code === 0 ? 'ok' : 'FAILED'} in ${((Date.now() - startedMs) / 1000).toFixed(1)} s\n`,
      );
      resolve(code === 0);
    });
  });
}

/** Test files below `folder`, sorted, as paths from the root. */
function testFiles(folder) {
  return readdirSync(join(root, folder), { recursive: true })
    .map(String)
    .filter((name) => name.endsWith('.test.ts'))
    .sort()
    .map((name) => join(folder, name));
}

const wanted = (file) => filters.length === 0 || filters.some((filter) => file.includes(filter));

if (filters.length === 0) {
  await run('format and lint', bin('biome'), ['check', '.']);
  await run('types', bin('tsc'), []);
  await run('laws of the repository', bun, ['tools/tidy.ts']);
  await run('unit tests', bun, ['test', '--timeout', String(MINUTE_MS), 'packages', 'tools', 'bench'], {
    counts: true,
    limitMs: 15 * MINUTE_MS,
  });
  await run('unit tests of wire and model on Node', bun, ['tools/node-tests.ts'], {
    counts: true,
    limitMs: 15 * MINUTE_MS,
  });
}
if (!isCheck && !onPath('kubectl')) {
  process.stdout.write('kubectl is not on PATH: scenarios that drive it will fail; install kubectl >= 1.28\n');
}
const scenarios = isCheck ? [] : testFiles('conformance').filter(wanted);
if (scenarios.length > 0)
  await run('programs of the scenarios', process.execPath, ['tools/programs.mjs', ...scenarios], {
    limitMs: 30 * MINUTE_MS,
  });
/** A scenario that measures time or load says `Runs alone` in its first comment, and has the machine to itself. */
const runsAlone = (file) => /^ \* Runs alone\b/m.test(readFileSync(join(root, file), 'utf8').slice(0, 2_000));
const scenario = (file, beside) =>
  run(file, bun, ['test', '--timeout', String(10 * MINUTE_MS), `./${file}`], {
    counts: true,
    limitMs: 12 * MINUTE_MS,
    beside,
  });
const together = scenarios.filter((file) => !runsAlone(file));
const beside = together.length > 1;
await Promise.all(
  Array.from({ length: LANES }, async () => {
    for (let file = together.shift(); file !== undefined; file = together.shift()) await scenario(file, beside);
  }),
);
for (const file of scenarios.filter(runsAlone)) await scenario(file, false);

if (failures.length > 0) process.stdout.write(`\nWhat failed, once more:\n${failures.join('\n')}\n`);
process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);
