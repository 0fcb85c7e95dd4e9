/**
 * `bun bench/failover/main.ts [--samples N] [--cuts N] [--record]`: in a lab of three clusters with one federated service, how soon a new member
 * answers, and what is noticed of a cluster that is cut off and comes back. Exits 1 when something could not be measured.
 */
import { parseArgs } from 'node:util';
import { record } from '../record.ts';
import { FailoverLab } from './lab.ts';
import { renderResults, verdict } from './results.ts';
import { measureCutOff, measureJoin } from './run.ts';

/** Longer than the time after which nothing may fail. */
const CUT_MS = 25_000;

const say = (text: string) => process.stderr.write(`bench: ${text}\n`);

try {
  const { values } = parseArgs({
    options: {
      samples: { type: 'string', default: '50' },
      cuts: { type: 'string', default: '7' },
      record: { type: 'boolean', default: false },
    },
  });
  const count = (name: 'samples' | 'cuts'): number => {
    const value = Number(values[name]);
    if (!Number.isInteger(value) || value < 1 || value > 1_000)
      throw new Error(`--${name} must be a whole number from 1 to 1000, got "${values[name]}"`);
    return value;
  };
  const [samples, times] = [count('samples'), count('cuts')];
  say('three clusters');
  const lab = await FailoverLab.start();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => void lab.stop().finally(() => process.exit(130)));
  try {
    const joinMs = await measureJoin(lab, samples, say);
    const cuts = await measureCutOff(lab, { times, cutMs: CUT_MS, say });
    const results = { joinMs, cuts };
    const body = `${renderResults(results)}\n\n${verdict(results)}`;
    process.stdout.write(`\n${body}\n`);
    if (values.record) record('failover', `npm run bench -- failover --samples ${samples} --cuts ${times}`, body);
  } finally {
    await lab.stop();
  }
  process.exit(0);
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exit(1);
}
