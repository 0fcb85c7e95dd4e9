/**
 * `bun conformance/mcs/main.ts TOOLS --suite PROGRAM [--labels FILTER]`: the suite of the Multi-Cluster Services API against two linked
 * clusters of a lab. PROGRAM is the suite's compiled test program, which whoever runs this brings: the suite is in no release that a package
 * registry has. FILTER is a label filter of the suite, e.g. `Required`. Exits 1 when a case did not pass.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { startMcsLab } from './lab.ts';
import { runSuite, summary } from './run-suite.ts';

const LIMIT_MINUTES = 25;
/** Every case has one of these labels. */
const LEVELS = ['Required', 'Optional'] as const;

async function main(): Promise<number> {
  const { values } = parseArgs({
    allowPositionals: true,
    options: { suite: { type: 'string' }, labels: { type: 'string' } },
  });
  if (!values.suite) throw new Error('say where the compiled suite of kubernetes-sigs/mcs-api is: --suite PROGRAM');
  const suite = resolve(values.suite);
  if (!existsSync(suite)) throw new Error(`--suite: there is no file ${suite}`);
  const folder = mkdtempSync(join(tmpdir(), 'weft-mcs-suite-'));
  try {
    const lab = await startMcsLab();
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.once(signal, () => void lab.down().finally(() => process.exit(130)));
    try {
      const { cases, output, passed } = await runSuite(lab, {
        suite,
        folder,
        limitMinutes: LIMIT_MINUTES,
        ...(values.labels && { labels: values.labels }),
      });
      for (const { name, state, message } of cases)
        process.stdout.write(`${state.padEnd(8)} ${name}${state === 'failed' ? `\n${message}` : ''}\n`);
      for (const label of LEVELS) process.stdout.write(`${label}: ${summary(cases, label)}\n`);
      if (!passed && cases.every(({ state }) => state !== 'failed')) process.stdout.write(output.slice(-4_000));
      return passed ? 0 : 1;
    } finally {
      await lab.down();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`mcs: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
