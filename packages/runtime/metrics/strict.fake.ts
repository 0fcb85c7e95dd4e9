import type { TextFormat } from './text.ts';

/** One sample of a page of metrics. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface ParsedFamily {
  readonly type: string;
  readonly help: string;
  readonly samples: Sample[];
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const SUFFIXES: Readonly<Record<string, readonly string[]>> = { histogram: ['_bucket', '_sum', '_count'] };

/** Reads a page of metrics as strictly as the formats are written; throws at whatever a scraper might refuse. */
export function parseMetrics(page: string, format: TextFormat = 'prometheus'): Map<string, ParsedFamily> {
  if (!page.endsWith('# EOF\n')) throw new Error('the page does not end in # EOF');
  const families = new Map<string, ParsedFamily>();
  const seen = new Set<string>();
  let current: { name: string; family: ParsedFamily } | undefined;
  let help: { name: string; text: string } | undefined;
  for (const line of page.slice(0, -'# EOF\n'.length).split('\n').slice(0, -1)) {
    const comment = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line);
    if (comment?.[1] === 'HELP') {
      help = { name: comment[2]!, text: comment[3]! };
      if (/(^|[^\\])(\\\\)*\\[^\\n"]/.test(help.text)) throw new Error(`bad escape: ${line}`);
    } else if (comment) {
      const name = comment[2]!;
      if (help?.name !== name) throw new Error(`TYPE without HELP: ${line}`);
      if (families.has(name)) throw new Error(`family twice: ${name}`);
      if (!NAME.test(name)) throw new Error(`bad name: ${line}`);
      current = { name, family: { type: comment[3]!, help: help.text, samples: [] } };
      families.set(name, current.family);
    } else {
      if (!current) throw new Error(`sample without family: ${line}`);
      const sample = parseSample(line);
      const key = `${sample.name} ${JSON.stringify(Object.entries(sample.labels).sort())}`;
      if (seen.has(key)) throw new Error(`series twice: ${line}`);
      seen.add(key);
      const isCounter = format === 'openmetrics' && current.family.type === 'counter';
      const suffixes = isCounter ? ['_total'] : (SUFFIXES[current.family.type] ?? ['']);
      if (!suffixes.some((suffix) => sample.name === current!.name + suffix))
        throw new Error(`${sample.name} inside of ${current.name}`);
      current.family.samples.push(sample);
    }
  }
  for (const [name, family] of families) if (family.type === 'histogram') checkHistogram(name, family);
  return families;
}

function parseSample(line: string): Sample {
  const name = /^[^{ ]+/.exec(line)?.[0] ?? '';
  if (!NAME.test(name)) throw new Error(`bad name: ${line}`);
  const labels: Record<string, string> = {};
  let at = name.length;
  if (line[at] === '{') {
    at++;
    for (;;) {
      const label = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\n"])*)"([,}])/.exec(line.slice(at));
      if (!label) throw new Error(`bad labels: ${line}`);
      if (Object.hasOwn(labels, label[1]!)) throw new Error(`label twice: ${line}`);
      labels[label[1]!] = label[2]!.replace(/\\(.)/g, (_, char: string) => (char === 'n' ? '\n' : char));
      at += label[0].length;
      if (label[3] === '}') break;
    }
  }
  const value = /^ (NaN|[+-]Inf|[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/.exec(line.slice(at))?.[1];
  if (value === undefined) throw new Error(`bad value: ${line}`);
  return { name, labels, value: Number(value.replace('Inf', 'Infinity')) };
}

/** Buckets rise, end in +Inf, and agree with the count. */
function checkHistogram(name: string, { samples }: ParsedFamily): void {
  let last = { le: Number.NEGATIVE_INFINITY, value: 0 };
  for (const sample of samples) {
    if (sample.name === `${name}_bucket`) {
      const le = Number(sample.labels['le']?.replace('Inf', 'Infinity'));
      if (!(le > last.le) || sample.value < last.value) throw new Error(`${name}: bucket ${sample.labels['le']}`);
      last = { le, value: sample.value };
    } else if (sample.name === `${name}_count`) {
      if (last.le !== Number.POSITIVE_INFINITY || last.value !== sample.value) throw new Error(`${name}: count`);
      last = { le: Number.NEGATIVE_INFINITY, value: 0 };
    }
  }
}
