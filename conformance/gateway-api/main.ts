/**
 * `bun conformance/gateway-api/main.ts TOOLS [--only TEST]… [--report]`: the Gateway API's suite for meshes against a lab of its own.
 * TOOLS is what tools/conformance.mjs prints. Exits 1 when a test did not pass.
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { describeMachine } from '../../bench/machine.ts';
import { repository, run } from '../harness/index.ts';
import { startGatewayLab, type Tools } from './lab.ts';
import { renderReport, summary } from './report.ts';
import { failureText, runSuite } from './run-suite.ts';

const REPORTS = join(repository, 'docs', 'reports');
const PAGE = 'gateway-api-conformance.md';
const OWN_REPORT = 'gateway-api-conformance.yaml';
const LIMIT_MINUTES = 25;

async function weftVersion(): Promise<string> {
  const commit = (await run('git', ['-C', repository, 'rev-parse', '--short', 'HEAD'])).stdout.trim();
  const changed = (await run('git', ['-C', repository, 'status', '--porcelain', 'packages'])).stdout.trim();
  return `Weft ${commit === '' ? 'of this tree' : `at commit ${commit}${changed === '' ? '' : ', with changes'}`}`;
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { only: { type: 'string', multiple: true }, report: { type: 'boolean', default: false } },
  });
  const tools = JSON.parse(positionals[0] ?? '{}') as Tools;
  if (values.report && values.only) throw new Error('--report is made of everything: leave --only away');
  const weft = await weftVersion();
  const own = join(REPORTS, OWN_REPORT);
  if (values.report) {
    mkdirSync(REPORTS, { recursive: true });
    rmSync(own, { force: true });
  }
  const lab = await startGatewayLab(tools);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => void lab.down().finally(() => process.exit(130)));
  try {
    const result = await runSuite(lab, tools, {
      limitMinutes: LIMIT_MINUTES,
      version: weft,
      ...(values.only && { only: values.only }),
      ...(values.report && { report: own }),
    });
    for (const [name, { outcome }] of result.tests) process.stdout.write(`${outcome.padEnd(8)} ${name}\n`);
    process.stdout.write(`${summary(result)}\n`);
    if (!result.passed) process.stdout.write(`${failureText(result)}\n`);
    if (values.report) {
      if (!existsSync(own)) throw new Error('the suite wrote no report');
      const date = new Date().toISOString().slice(0, 10);
      const command = 'npm run conformance -- gateway-api --report';
      const circumstances = {
        date,
        machine: describeMachine(),
        command,
        version: tools.version,
        weft,
        ownReport: OWN_REPORT,
      };
      writeFileSync(join(REPORTS, PAGE), renderReport(result, circumstances));
      process.stdout.write(`report: ${join(REPORTS, PAGE)}\n`);
    }
    return result.passed && [...result.tests.values()].every(({ outcome }) => outcome === 'passed') ? 0 : 1;
  } finally {
    await lab.down();
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`gateway-api: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
