/** `weft demo`: three meshed clusters, one federated service, a live table of who answers; ends without a trace. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import type { CliContext, Io } from '../context.ts';
import { run } from '../run.ts';
import { CLUSTERS, endDemo, REQUESTS_WANTED, type RunningDemo, startDemo, until } from './demo.ts';
import { renderTable } from './render.ts';

interface DemoFlags {
  once?: boolean;
  json?: boolean;
}

const VERDICT_TIMEOUT_MS = 90_000;
const REFRESH_MS = 500;

export function registerDemo(program: Command, context: CliContext): void {
  program
    .command('demo')
    .description('Three meshed clusters on this machine, one federated service, real traffic; Ctrl-C ends it all')
    .option('--once', 'Run to a verdict and end')
    .option('--json', 'With --once: print one JSON object on standard output')
    .action((flags: DemoFlags) => demo(flags, context));
}

async function demo(flags: DemoFlags, context: CliContext): Promise<void> {
  const { io } = context;
  const ender = new AbortController();
  const cancel = () => ender.abort(new Error('stopped by the user'));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, cancel);
  const labName = `demo-${process.pid}`;
  const progress = (line: string) => io.err(`${line}\n`);
  try {
    const running = await startDemo({ labName, progress, labUp: () => labUp(labName, io), signal: ender.signal });
    try {
      if (flags.once) await verdict(running, flags, io, ender.signal);
      else await live(running, labName, io, ender.signal);
    } finally {
      running.stop();
    }
  } catch (error) {
    if (!ender.signal.aborted || flags.once) {
      context.exitCode = 1;
      progress(`demo: ${error instanceof Error ? error.message : String(error)}`);
    }
  } finally {
    progress('ending the lab');
    await endDemo(labName);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(signal, cancel);
  }
}

/** Starts the lab as the command would; its hints on standard output are replaced by our own. */
async function labUp(name: string, io: Io): Promise<void> {
  const quiet: Io = { ...io, out: () => {} };
  const clusters = CLUSTERS.join(',');
  const code = await run(['lab', 'up', '--name', name, '--ephemeral', '--mesh', '--clusters', clusters], quiet);
  if (code !== 0) throw new Error(`the lab did not start (exit code ${code})`);
}

function logEnded(): never {
  throw new Error("the traffic's log ended: its pod is gone");
}

/** Waits for enough requests and an answer of each cluster, then judges. */
async function verdict(running: RunningDemo, flags: DemoFlags, io: Io, signal: AbortSignal): Promise<void> {
  const { tally } = running;
  const enough = () => tally.requests >= REQUESTS_WANTED && CLUSTERS.every((name) => tally.clusters.has(name));
  const seen = () => `${tally.requests} requests, answers of ${[...tally.clusters.keys()].join(', ')}`;
  const what = `${REQUESTS_WANTED} requests and answers of all clusters`;
  await Promise.race([until(what, VERDICT_TIMEOUT_MS, signal, enough, seen), running.broken.then(logEnded)]);
  const mtlsDoubts = await running.mtlsDoubts();
  const result = {
    clusters: Object.fromEntries(CLUSTERS.map((name) => [name, tally.clusters.get(name)?.answered ?? 0])),
    requests: tally.requests,
    failed: tally.failed,
    mtls: mtlsDoubts.length === 0,
    upSeconds: Number(running.upSeconds.toFixed(1)),
    pssMB: Math.round(running.pssMB()),
  };
  if (flags.json) io.out(`${JSON.stringify(result)}\n`);
  else io.out(`${renderTable(CLUSTERS, tally, result.mtls ? 'verified' : 'not proven')}\n`);
  if (tally.failed > 0)
    throw new Error(`${tally.failed} of ${tally.requests} requests failed, last: ${tally.lastFailure}`);
  if (!result.mtls) throw new Error(`mutual TLS is not proven: ${mtlsDoubts.join('; ')}`);
}

const HINTS = (labName: string) => `
try in another terminal:
  eval "$(npx weft lab env --name ${labName})"
  kubectl --context west get pods -A                     # kubectl >= 1.28
  weft --context west diagnostics endpoints bb-federated.mc-demo.svc.cluster.local:8080
  weft --context west check
  kubectl --context east -n mc-demo scale deploy/bb --replicas=0   # and watch the table
Ctrl-C ends the demonstration and removes everything.`;

/** A table that refreshes in place on a terminal, and is printed every ten seconds elsewhere, until the user stops it. */
async function live(running: RunningDemo, labName: string, io: Io, signal: AbortSignal): Promise<void> {
  let mtls = 'being verified';
  running.mtlsDoubts().then(
    (found) => {
      mtls =
        found.length === 0
          ? 'verified: identities in both proxies, no plaintext on the wire'
          : `not proven: ${found.join('; ')}`;
    },
    (error: Error) => {
      mtls = `not proven: ${error.message}`;
    },
  );
  const isTerminal = process.stdout.isTTY === true;
  io.out(
    `the first federated answer came after ${running.upSeconds.toFixed(1)} s, memory ${Math.round(running.pssMB())} MB (PSS)\n`,
  );
  io.out(`${HINTS(labName)}\n\n`);
  let lines = 0;
  while (!signal.aborted) {
    const text = renderTable(CLUSTERS, running.tally, mtls);
    io.out(`${isTerminal && lines > 0 ? `\u001b[${lines}A\u001b[J` : ''}${text}\n`);
    lines = text.split('\n').length;
    const pauseMs = isTerminal ? REFRESH_MS : 20 * REFRESH_MS;
    const over = await Promise.race([sleep(pauseMs, 'time', { signal }), running.broken.then(() => 'log')]).catch(
      (error: Error) => (signal.aborted ? 'stopped' : Promise.reject(error)),
    );
    if (over === 'log') logEnded();
  }
}
