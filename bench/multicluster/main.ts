/**
 * `bun bench/multicluster/main.ts [--clusters N,…] [--services N] [--modes MODE,…] [--rate N] [--samples N] [--weft PATH] [--record]`: what it
 * costs to link many clusters to one, and what others notice of a cluster that changes without end. Exits 1 when something failed.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { compiledExecutable } from '#cli/executable';
import { record } from '../record.ts';
import { plot } from './plot.ts';
import { type Costs, renderCosts, renderFlood, verdict } from './results.ts';
import { measureCost, measureFlood } from './run.ts';
import { MODES, type Mode } from './scale.ts';

const ENDPOINTS = 10;
/** The claim is about these. */
const USUAL = { clusters: '5,10,20', services: '200', modes: Object.keys(MODES).join(), rate: '500', samples: '30' };
/** The flood is among so many clusters, in this mode. */
const FLOOD = { clusters: 5, mode: 'flat' } as const;

const say = (text: string) => process.stderr.write(`bench: ${text}\n`);

function readFlags() {
  const { values } = parseArgs({
    options: {
      clusters: { type: 'string', default: USUAL.clusters },
      services: { type: 'string', default: USUAL.services },
      modes: { type: 'string', default: USUAL.modes },
      rate: { type: 'string', default: USUAL.rate },
      samples: { type: 'string', default: USUAL.samples },
      weft: { type: 'string' },
      record: { type: 'boolean', default: false },
    },
  });
  const count = (name: string, text: string, max: number): number => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < 1 || value > max)
      throw new Error(`--${name} must be a whole number from 1 to ${max}, got "${text}"`);
    return value;
  };
  const modes = values.modes.split(',');
  const unknown = modes.find((mode) => !Object.hasOwn(MODES, mode));
  if (unknown !== undefined) throw new Error(`--modes names ${Object.keys(MODES).join(', ')}, got "${unknown}"`);
  return {
    clusters: values.clusters.split(',').map((text) => count('clusters', text, 200)),
    services: count('services', values.services, 2_000),
    modes: modes as Mode[],
    rate: count('rate', values.rate, 10_000),
    samples: count('samples', values.samples, 1_000),
    weft: values.weft ?? compiledExecutable(),
    recording: values.record,
    command: ['npm run bench -- multicluster', ...said(values)].join(' '),
  };
}

/** The flags that are not as usual, as they were given. */
function said(values: Record<string, string | boolean | undefined>): string[] {
  return Object.entries(values).flatMap(([name, value]) => {
    const usual = Object.hasOwn(USUAL, name) ? USUAL[name as keyof typeof USUAL] : undefined;
    return typeof value === 'string' && value !== usual ? [`--${name} ${value}`] : [];
  });
}

try {
  const { clusters, services, modes, rate, samples, weft, recording, command } = readFlags();
  const costs: Costs = {};
  for (const mode of modes)
    for (const number of clusters) {
      say(`${number} clusters of ${services} services, ${mode}`);
      const cost = await measureCost({ mode, clusters: number, services, endpoints: ENDPOINTS }, weft);
      costs[mode] = [...(costs[mode] ?? []), cost];
    }
  say(`${rate} changes a second of one of ${FLOOD.clusters} clusters`);
  const flood = await measureFlood({ ...FLOOD, services, endpoints: ENDPOINTS }, weft, { rate, samples });
  const body = `${renderCosts(costs)}\n\n${verdict(costs)}\n\n${renderFlood(flood)}`;
  process.stdout.write(`\n${body}\n`);
  if (recording) {
    writeFileSync(join(import.meta.dirname, 'cost.svg'), plot(costs));
    record('multicluster', command, body);
  }
  process.exit(0);
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exit(1);
}
