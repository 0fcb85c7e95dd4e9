/**
 * `bun bench/proxy/main.ts [--only NAME,…] [--rounds N] [--seconds N] [--weft PATH] [--record]`: mutual-TLS hop pairs under several
 * loads, Weft beside nginx, HAProxy and Envoy, in one run. Exits 1 when an answer was wrong or the path was not what it claims.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { compiledExecutable } from '#cli/executable';
import { runIsolated } from '../../conformance/harness/pair/index.ts';
import { record } from '../record.ts';
import { QUIET_WAIT_SECONDS_MAX } from './quiet.ts';
import { disturbance, type Plan, type Results, renderResults } from './results.ts';
import { SCENARIOS } from './scenarios.ts';

/** Enough for the just-in-time compiler of the subject to be done with most of its work. */
const WARM_UP_SECONDS = 6;
/** Beyond the runs of the load generators themselves; memory takes most of it. */
const SLACK_SECONDS = 480;
const NAMES: readonly string[] = ['memory', ...SCENARIOS.map(({ name }) => name)];
const CONTENDERS = 4;

function runInside(plan: Plan): Promise<Results> {
  const runS = plan.seconds + 2 + QUIET_WAIT_SECONDS_MAX;
  const limitS = SLACK_SECONDS + plan.scenarios.length * CONTENDERS * (plan.rounds * runS + plan.warmUpSeconds);
  return runIsolated<Results>(join(import.meta.dirname, 'inside.ts'), plan, limitS * 1000);
}

const LIMITS = { rounds: 600, seconds: 600 } as const;

/** Reads the flags; throws with one line about the first bad one. */
function readFlags(): { plan: Plan; command: string; recording: boolean } {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '4' },
      weft: { type: 'string' },
      record: { type: 'boolean', default: false },
    },
  });
  const count = (name: 'rounds' | 'seconds'): number => {
    const value = Number(values[name]);
    if (!Number.isInteger(value) || value < 1 || value > LIMITS[name])
      throw new Error(`--${name} must be a whole number from 1 to ${LIMITS[name]}, got "${values[name]}"`);
    return value;
  };
  const scenarios = values.only?.split(',') ?? NAMES;
  const unknown = scenarios.find((name) => !NAMES.includes(name));
  if (unknown !== undefined) throw new Error(`--only names ${NAMES.join(', ')}, got "${unknown}"`);
  if (values.record && values.only) throw new Error('--record is for the whole table; leave --only out');
  const plan = { scenarios, rounds: count('rounds'), seconds: count('seconds'), warmUpSeconds: WARM_UP_SECONDS };
  const flags = [
    `--rounds ${plan.rounds}`,
    `--seconds ${plan.seconds}`,
    ...(values.weft ? [`--weft ${values.weft}`] : []),
  ];
  return {
    plan: { ...plan, weft: [values.weft ?? compiledExecutable()] },
    command: `npm run bench -- proxy ${flags.join(' ')}`,
    recording: values.record,
  };
}

try {
  const { plan, command, recording } = readFlags();
  const results = await runInside(plan);
  const body = `${renderResults(results)}\n\n${disturbance(results)}`;
  process.stdout.write(`\n${body}\n`);
  if (recording) record('proxy', command, body);
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
