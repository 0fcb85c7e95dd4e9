/**
 * `bun conformance/http/main.ts TOOLS [--suite NAME]… [--only TEXT] [--seconds N] [--weft PATH] [--no-peers] [--report]`: all suites of
 * HTTP. TOOLS is what tools/conformance.mjs prints. Exits 1 when anything did not come out as it must.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { compiledExecutable } from '#cli/executable';
import { describeMachine } from '../../bench/machine.ts';
import { repository, run } from '../harness/index.ts';
import type { Plan, Suite, Tools } from './plan.ts';
import { failureLines, renderReport, summary } from './report.ts';
import { runSuites } from './run-suites.ts';

const REPORT = join(repository, 'docs', 'reports', 'http-conformance.md');
const SUITES: readonly Suite[] = ['corpus', 'answers', 'h2spec', 'floods'];
const SECONDS_MAX = 600;

function readFlags(): { plan: Plan; command: string; reporting: boolean } {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      suite: { type: 'string', multiple: true },
      only: { type: 'string' },
      seconds: { type: 'string', default: '10' },
      weft: { type: 'string' },
      'no-peers': { type: 'boolean', default: false },
      report: { type: 'boolean', default: false },
    },
  });
  const suites = values.suite?.map((name) => {
    const found = SUITES.find((each) => each === name);
    if (!found) throw new Error(`--suite must be one of ${SUITES.join(', ')}, got "${name}"`);
    return found;
  });
  const floodSeconds = Number(values.seconds);
  if (!(floodSeconds >= 1 && floodSeconds <= SECONDS_MAX))
    throw new Error(`--seconds must be a number from 1 to ${SECONDS_MAX}, got "${values.seconds}"`);
  const plan: Plan = {
    weft: [values.weft ?? compiledExecutable()],
    suites: suites ?? SUITES,
    tools: JSON.parse(positionals[0] ?? '{}') as Tools,
    peers: !values['no-peers'],
    floodSeconds,
    waitsForQuiet: values.report,
    ...(values.only !== undefined && { only: values.only }),
  };
  const command = `npm run conformance -- http${values.report ? ' --report' : ''}${floodSeconds === 10 ? '' : ` --seconds ${floodSeconds}`}`;
  if (values.report && (suites || values.only !== undefined || values['no-peers']))
    throw new Error('--report is made of everything: leave --suite, --only and --no-peers away');
  return { plan, command, reporting: values.report };
}

/** What a program says of its version: the first line that holds one. */
async function version(program: string, args: readonly string[]): Promise<string> {
  const { stdout, stderr } = await run(program, args);
  return (
    `${stdout}\n${stderr}`
      .split('\n')
      .find((line) => /\d+\.\d+/.test(line))
      ?.trim() ?? `${program}: unknown`
  );
}

async function versions(): Promise<string[]> {
  const commit = (await run('git', ['-C', repository, 'rev-parse', '--short', 'HEAD'])).stdout.trim();
  return [
    `Weft ${commit === '' ? 'of this tree' : `at commit ${commit}`}, Bun ${process.versions['bun'] ?? ''}`,
    await version('nginx', ['-v']),
    await version('haproxy', ['-v']),
    'h2spec 2.2.1, strict tests included',
    `slowhttptest ${/version (\S+)/.exec(await version('slowhttptest', ['-h']))?.[1] ?? ''}, Python package h2 4.4.1`,
  ];
}

try {
  const { plan, command, reporting } = readFlags();
  // Before the run: what is committed meanwhile is not what ran.
  const tested = reporting ? await versions() : [];
  const results = await runSuites(plan);
  process.stdout.write(`\n${summary(results)}\n`);
  const lines = failureLines(results);
  for (const line of lines) process.stdout.write(`failed: ${line}\n`);
  if (reporting) {
    const date = new Date().toISOString().slice(0, 10);
    const text = renderReport(results, { date, machine: describeMachine(), command, versions: tested });
    mkdirSync(dirname(REPORT), { recursive: true });
    writeFileSync(REPORT, text);
    process.stdout.write(`report: ${REPORT}\n`);
  }
  process.exitCode = lines.length === 0 ? 0 : 1;
} catch (error) {
  process.stderr.write(`http: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
