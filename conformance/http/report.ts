/** docs/reports/http-conformance.md: what was run, when and where, and what came of it. */
import { renderTable } from '../../bench/table.ts';
import { ANSWERS } from './answers/corpus.ts';
import { DIFFERENCES } from './differences.ts';
import type { Contender, Version } from './faces.ts';
import {
  ATTACKS,
  type FloodReport,
  HONEST_MS_MAX,
  PEAK_GROWTH_MB_MAX,
  PROXY_MEMORY_BYTES,
  REST_GROWTH_MB_MAX,
  WAITING_GROWTH_MB_MAX,
} from './floods/index.ts';
import type { SpecReport } from './h2spec.ts';
import type { Expectation } from './http1/case.ts';
import { HTTP1_CORPUS } from './http1/corpus/index.ts';
import { HTTP2_CORPUS } from './http2/corpus/index.ts';
import type { Results } from './plan.ts';
import type { Verdict } from './verdict.ts';

export interface Circumstances {
  readonly date: string;
  readonly machine: string;
  readonly command: string;
  /** Program and version, one a line. */
  readonly versions: readonly string[];
}

interface AnyCase {
  readonly id: string;
  readonly group: string;
  readonly name: string;
  readonly rule: string;
  readonly expect: Expectation;
}

const CORPORA: Readonly<Record<Version, readonly AnyCase[]>> = { http1: HTTP1_CORPUS, http2: HTTP2_CORPUS };
const TITLES: Readonly<Record<Version, string>> = { http1: 'HTTP/1', http2: 'HTTP/2' };
const CONTENDERS: readonly Contender[] = ['Weft', 'nginx', 'HAProxy'];

export function renderReport(results: Results, circumstances: Circumstances): string {
  const { date, machine, command, versions } = circumstances;
  return `${[
    '# Conformance of HTTP',
    `Made by \`${command}\` on ${date}; ${machine}. Do not edit.`,
    'Two proxies as in pods (a control plane with scripted answers over the real gRPC API, mutual TLS between them, traffic redirected by `weft init` in network namespaces), and behind them a server that takes anything and remembers every byte.',
    versions.map((line) => `- ${line}`).join('\n'),
    '## Summary',
    summary(results),
    failures(results),
    '## Requests that are malformed, ambiguous or odd',
    'By group: how many cases must be refused, and how many of those each proxy refused; `cut` counts as refused. Weft is judged at all of its faces.',
    ...(['http1', 'http2'] as const).flatMap((version) => [`### ${TITLES[version]}`, groups(results, version)]),
    '## Responses that are malformed, ambiguous or odd',
    'To requests of HTTP/1, by a server of HTTP/1. Behind each, two further clients must get their own answers: `smuggled` says that one did not.',
    answerTable(results.answers),
    '## h2spec',
    specTable(results.specs),
    '## Floods',
    `While a flood runs, honest clients ask on connections of their own, in HTTP/1 and HTTP/2; every request must be answered within ${HONEST_MS_MAX / 1000} s. Memory is the proportional set size of the attacked proxy: it may grow by ${PEAK_GROWTH_MB_MAX} MB, by ${WAITING_GROWTH_MB_MAX} MB where clients ask for much and take nothing (the proxies may take ${mebi(PROXY_MEMORY_BYTES)}, of which a quarter may wait for peers: past half of that, those that stand still are broken off, past all of it those that hold most; what waits costs up to three times its size until the next collection), and must come back to within ${REST_GROWTH_MB_MAX} MB of its start.`,
    floodTable(results.floods),
    '## Known differences, explained',
    DIFFERENCES.map((line) => `- ${line}`).join('\n'),
    '## All cases',
    ...(['http1', 'http2'] as const).flatMap((version) => [`### ${TITLES[version]}`, cases(results, version)]),
  ]
    .filter((part) => part !== '')
    .join('\n\n')}\n`;
}

/** One row a suite: what was run, passed, failed. */
export function summary({ verdicts, answers, specs, floods }: Results): string {
  const weft = verdicts.filter(({ contender }) => contender === 'Weft');
  const row = (name: string, total: number, failed: number) => [
    name,
    String(total),
    String(total - failed),
    String(failed),
  ];
  const rows = (['http1', 'http2'] as const).flatMap((version) => {
    const own = weft.filter((each) => each.version === version);
    const faces = [...new Set(own.map(({ face }) => face))];
    return faces.map((face) => {
      const these = own.filter((each) => each.face === face);
      return row(`${TITLES[version]} corpus, ${face}`, these.length, these.filter(failed).length);
    });
  });
  const asked = answers.filter(({ contender }) => contender === 'Weft');
  for (const face of new Set(asked.map((each) => each.face))) {
    const these = asked.filter((each) => each.face === face);
    rows.push(row(`HTTP/1 responses, ${face}`, these.length, these.filter(failed).length));
  }
  for (const { face, sections } of specs) {
    const sum = (field: 'tests' | 'failed' | 'skipped') => sections.reduce((total, each) => total + each[field], 0);
    rows.push(row(`h2spec, ${face}`, sum('tests'), sum('failed') + sum('skipped')));
  }
  if (floods.length > 0) rows.push(row('floods', floods.length, floods.filter(failed).length));
  return renderTable([['suite', 'run', 'passed', 'failed'], ...rows]);
}

const mebi = (bytes: number): string => `${bytes / (1024 * 1024)} MiB`;

const failed = ({ failure }: { readonly failure?: string }): boolean => failure !== undefined;

/** Everything that did not come out as it must, one line each. */
export function failureLines({ verdicts, answers, specs, floods }: Results): string[] {
  return [
    ...[...verdicts, ...answers]
      .filter(failed)
      .map(
        (each) =>
          `${each.version} ${each.face}, ${each.case}: ${each.failure} (${each.outcome}; ${each.answers.join(', ')})`,
      ),
    ...specs.flatMap(({ face, failures: lines }) => lines.map((line) => `h2spec ${face}, ${line}`)),
    ...specs.flatMap(({ face, sections }) =>
      sections
        .filter(({ skipped }) => skipped > 0)
        .map(({ id, skipped }) => `h2spec ${face}, ${id}: ${skipped} tests skipped`),
    ),
    ...floods.filter(failed).map((each) => `flood ${each.attack}, ${each.face}: ${each.failure}`),
  ];
}

function failures(results: Results): string {
  const lines = failureLines(results);
  return lines.length === 0 ? 'Everything passed.' : `Failed:\n\n${lines.map((line) => `- ${line}`).join('\n')}`;
}

function groups(results: Results, version: Version): string {
  const all = CORPORA[version];
  const names = [...new Set(all.map(({ group }) => group))];
  const rows = names.map((name) => {
    const own = all.filter(({ group }) => group === name);
    const ids = new Set(own.filter(({ expect }) => expect === 'refuse').map(({ id }) => id));
    const others = own.length - ids.size;
    return [
      name,
      String(own.length),
      String(ids.size),
      ...CONTENDERS.map((each) => refused(results, version, each, ids)),
      String(others),
    ];
  });
  return renderTable([['group', 'cases', 'to be refused', ...CONTENDERS, 'valid or open'], ...rows]);
}

const REFUSED = new Set(['refused', 'cut']);

/** Share of the cases that were refused; of Weft, at every face that must. */
function refused(results: Results, version: Version, contender: Contender, ids: ReadonlySet<string>): string {
  const own = results.verdicts.filter(
    (each) => each.contender === contender && each.version === version && ids.has(each.case),
  );
  if (own.length === 0) return '';
  const good = own.filter((each) => REFUSED.has(each.outcome) || each.outcome === 'unread').length;
  const faces = new Set(own.map(({ face }) => face)).size;
  return `${Math.floor(good / faces)}`;
}

function answerTable(answers: readonly Verdict[]): string {
  if (answers.length === 0) return 'Not run.';
  const cell = (contender: Contender, id: string): string => {
    const own = answers.filter((each) => each.contender === contender && each.case === id);
    return [...new Set(own.map(({ outcome, answers: seen }) => `${outcome} (${seen.join(', ')})`))].join(', ');
  };
  const rows = ANSWERS.map(({ id, name, rule, expect }) =>
    [quoted(name), rule, expect, ...CONTENDERS.map((each) => cell(each, id))].join(' | '),
  );
  return pipes(['response', 'rule', 'must', ...CONTENDERS], rows);
}

function specTable(specs: readonly SpecReport[]): string {
  const first = specs[0];
  if (!first) return 'Not run.';
  const rows = first.sections.map(({ id, title }) => [
    `${id.split('/')[0]} ${title}`,
    ...specs.map(({ sections }) => {
      const found = sections.find((each) => each.id === id);
      return found ? `${found.tests - found.failed - found.skipped}/${found.tests}` : '';
    }),
  ]);
  return renderTable([['section', ...specs.map(({ face }) => face)], ...rows]);
}

function floodTable(floods: readonly FloodReport[]): string {
  if (floods.length === 0) return 'Not run.';
  const rows = floods.map((each) => {
    const text = ATTACKS.find(({ name }) => name === each.attack)?.text ?? '';
    const sum = (of: (honest: FloodReport['honest'][number]) => number) =>
      each.honest.reduce((total, one) => total + of(one), 0);
    const worst = Math.max(...each.honest.map(({ slowestMs }) => slowestMs));
    const median = Math.max(...each.honest.map(({ medianMs }) => medianMs));
    return [
      `${each.attack}: ${text}`,
      each.face,
      `${each.seconds}`,
      `${sum(({ answered }) => answered)}`,
      `${sum(({ failures: lost }) => lost.length)}`,
      `${median.toFixed(0)} / ${worst.toFixed(0)}`,
      `${(each.othersShare * 100).toFixed(0)} %`,
      `${each.startMB.toFixed(0)} / ${each.peakMB.toFixed(0)} / ${each.restMB.toFixed(0)}`,
      failed(each) ? 'FAILED' : 'ok',
    ];
  });
  const header = [
    'flood',
    'face',
    'seconds',
    'honest answered',
    'lost',
    'median / slowest ms',
    'other work',
    'MB before / peak / after',
    '',
  ];
  return renderTable([header, ...rows]);
}

function cases(results: Results, version: Version): string {
  const of = new Map<string, Verdict[]>();
  for (const each of results.verdicts) {
    const key = `${each.version} ${each.contender} ${each.case}`;
    const known = of.get(key);
    if (known) known.push(each);
    else of.set(key, [each]);
  }
  const cell = (contender: Contender, id: string): string => {
    const verdicts = of.get(`${version} ${contender} ${id}`) ?? [];
    const kinds = [
      ...new Set(verdicts.map(({ outcome, answers }) => `${outcome} (${answers.slice(0, 3).join(', ')})`)),
    ];
    return contender === 'Weft' ? [...new Set(verdicts.map(({ outcome }) => outcome))].join(', ') : kinds.join(', ');
  };
  const rows = CORPORA[version].map(({ id, group, name, rule, expect }) =>
    [group, quoted(name), rule, expect, ...CONTENDERS.map((each) => cell(each, id))].join(' | '),
  );
  const header = ['group', 'case', 'rule', 'must', ...CONTENDERS];
  return pipes(header, rows);
}

const quoted = (text: string): string => text.replaceAll('|', '\\|');

/** A table of text: columns are as wide as they are. */
const pipes = (header: readonly string[], rows: readonly string[]): string =>
  [header.join(' | '), header.map(() => '---').join('|'), ...rows].map((line) => `| ${line} |`).join('\n');
