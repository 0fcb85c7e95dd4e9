/**
 * `bun bench/soak/main.ts [--minutes N] [--minute-seconds N] [--weft PATH] [--record]`: 2,000 requests a second through two proxies for
 * half an hour while endpoints come and go every second. Exits 1 at the first answer that is no success.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { compiledExecutable } from '#cli/executable';
import { runIsolated } from '../../conformance/harness/pair/index.ts';
import { record } from '../record.ts';
import { renderSoak, type SoakResult, soakVerdict } from './results.ts';

const SLACK_SECONDS = 120;

try {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '30' },
      'minute-seconds': { type: 'string', default: '60' },
      weft: { type: 'string' },
      record: { type: 'boolean', default: false },
    },
  });
  const count = (name: 'minutes' | 'minute-seconds', most: number): number => {
    const value = Number(values[name]);
    if (!Number.isInteger(value) || value < 1 || value > most)
      throw new Error(`--${name} must be a whole number from 1 to ${most}, got "${values[name]}"`);
    return value;
  };
  const [minutes, minuteSeconds] = [count('minutes', 1_440), count('minute-seconds', 60)];
  const plan = { weft: [values.weft ?? compiledExecutable()], minutes, minuteSeconds };
  const limitS = SLACK_SECONDS + minutes * (minuteSeconds + 10);
  const result = await runIsolated<SoakResult>(join(import.meta.dirname, 'inside.ts'), plan, limitS * 1000);
  const body = `${renderSoak(result)}\n\n${soakVerdict(result)}`;
  process.stdout.write(`\n${body}\n`);
  if (values.record) record('soak', `npm run bench -- soak --minutes ${minutes}`, body);
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
