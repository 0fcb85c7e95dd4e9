/**
 * `bun bench/up/main.ts [--runs N] [--record]`: the demonstration from the command to the first federated answer, N times, and the
 * memory of all its processes. Exits 1 when a run failed.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { record } from '../record.ts';
import { type DemoResult, parseResult, renderRuns, verdict } from './results.ts';

const DEMO = join(import.meta.dirname, '..', '..', 'tools', 'demo.mjs');
/** The demonstration bounds its own waits well below this. */
const RUN_TIMEOUT_MS = 10 * 60_000;
/** After which a run that does not end when asked is ended the hard way. */
const END_GRACE_MS = 60_000;

/** Ends the present run, if any. */
let stop: (() => void) | undefined;

/** One run of `npm run demo -- --once --json`, its progress on standard error. */
function runDemo(): Promise<DemoResult> {
  const child = spawn('node', [DEMO, '--once', '--json'], { stdio: ['ignore', 'pipe', 'inherit'] });
  let killer: NodeJS.Timeout | undefined;
  stop = () => {
    child.kill('SIGTERM');
    killer ??= setTimeout(() => child.kill('SIGKILL'), END_GRACE_MS);
  };
  const timer = setTimeout(stop, RUN_TIMEOUT_MS);
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      clearTimeout(killer);
      stop = undefined;
      if (code === 0) resolve(parseResult(out));
      else reject(new Error(`the demonstration ended with ${signal ?? code}; its reason stands above`));
    });
  });
}

const stopped = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(signal, () => {
    stopped.abort();
    stop?.();
  });

try {
  const { values } = parseArgs({
    options: { runs: { type: 'string', default: '3' }, record: { type: 'boolean', default: false } },
  });
  const runs = Number(values.runs);
  if (!Number.isInteger(runs) || runs < 1 || runs > 100)
    throw new Error(`--runs must be a whole number from 1 to 100, got "${values.runs}"`);
  const results: DemoResult[] = [];
  for (let i = 0; i < runs; i++) {
    process.stderr.write(`bench: run ${i + 1} of ${runs}\n`);
    results.push(await runDemo());
    if (stopped.signal.aborted) throw new Error('stopped');
  }
  const body = `${renderRuns(results)}\n\n${verdict(results)}`;
  process.stdout.write(`\n${body}\n`);
  if (values.record) record('up', `npm run bench -- up --runs ${runs}`, body);
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
