/**
 * `bun bench/destination/main.ts [--changes N] [--storm SECONDS] [--no-plot] [--record]`: what a change of endpoints costs the
 * destination service, how fast it spreads, and how both grow with services, endpoints and proxies.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { record } from '../record.ts';
import { plot } from './plot.ts';
import { type Growth, renderGrowth, renderResults, verdict } from './results.ts';
import { measureSpread, measureStart, measureStorm } from './run.ts';
import { type Shape, USUAL } from './shape.ts';

const STORM_RATE = 500;
const LISTED: Shape = { ...USUAL, services: 1_000, endpoints: 10, proxies: 1 };
/** One number of the shape varies; the others are small enough for many runs. */
const SMALL: Shape = { services: 100, endpoints: 10, proxies: 300, follows: 10, connections: 4 };
const GROWTH: readonly [keyof Growth, keyof Shape, readonly number[]][] = [
  ['services', 'services', [30, 100, 300, 1_000]],
  ['endpoints', 'endpoints', [10, 30, 100, 300]],
  ['proxies', 'proxies', [100, 300, 1_000]],
];
const GROWTH_CHANGES = 20;

const say = (text: string) => process.stderr.write(`bench: ${text}\n`);

async function measureGrowth(): Promise<Growth> {
  const growth: Growth = { services: [], endpoints: [], proxies: [] };
  for (const [name, field, values] of GROWTH)
    for (const value of values) {
      say(`${value} ${name}`);
      growth[name].push({ value, ...(await measureSpread({ ...SMALL, [field]: value }, GROWTH_CHANGES)) });
    }
  return growth;
}

try {
  const { values } = parseArgs({
    options: {
      changes: { type: 'string', default: '50' },
      storm: { type: 'string', default: '60' },
      'no-plot': { type: 'boolean', default: false },
      record: { type: 'boolean', default: false },
    },
  });
  say(`${USUAL.proxies} proxies follow ${USUAL.follows} services each`);
  const spread = await measureSpread(USUAL, Number(values.changes));
  say(`${STORM_RATE} changes a second for ${values.storm} s`);
  const storm = await measureStorm(USUAL, STORM_RATE, Number(values.storm));
  say('a start with 10,000 pods');
  const start = await measureStart(LISTED);
  const results = { spread, storm, start };
  let body = `${renderResults(results)}\n\n${verdict(results)}`;
  if (!values['no-plot']) {
    const growth = await measureGrowth();
    body += `\n\n${renderGrowth(growth)}`;
    if (values.record) writeFileSync(join(import.meta.dirname, 'cost.svg'), plot(growth));
  }
  process.stdout.write(`\n${body}\n`);
  if (values.record) record('destination', 'npm run bench -- destination', body);
  process.exit(0);
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exit(1);
}
