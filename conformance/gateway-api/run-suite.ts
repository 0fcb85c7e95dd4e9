/** Runs the suite against a cluster and reads what it says of each test. */
import type { Lab } from '../harness/index.ts';
import { CLAIMED_FEATURES } from './claims.ts';
import type { Tools } from './lab.ts';

export type Outcome = 'passed' | 'failed' | 'skipped';

export interface SuiteTest {
  outcome: Outcome;
  /** What it needs of an implementation, by the suite's names. */
  features: readonly string[];
}

export interface SuiteRun {
  /** By name, in the order in which they ran. */
  tests: ReadonlyMap<string, SuiteTest>;
  /** All that the suite printed. */
  output: string;
  /** Whether it came to its end without a failure. */
  passed: boolean;
}

export interface SuiteOptions {
  /** Names of tests; all for none. */
  only?: readonly string[];
  /** File for the suite's own report. */
  report?: string;
  limitMinutes: number;
  /** Of Weft. */
  version?: string;
}

/** The suite's namespaces join the mesh. */
const ANNOTATIONS = 'linkerd.io/inject=enabled';
const OUTCOMES: Readonly<Record<string, Outcome>> = { PASS: 'passed', FAIL: 'failed', SKIP: 'skipped' };
const LINES = {
  asked: /^asks: (\w+) \[([\w ]*)\]$/gm,
  ended: /^ {4}--- (PASS|FAIL|SKIP): TestMesh\/(\w+) \(/gm,
};

/** Runs it to its end, or to the limit. */
export async function runSuite(lab: Lab, tools: Tools, options: SuiteOptions): Promise<SuiteRun> {
  const { only = [], report = '', limitMinutes, version = '' } = options;
  const flags = [
    '-test.v',
    `-test.timeout=${limitMinutes}m`,
    `-mesh.features=${CLAIMED_FEATURES.join(',')}`,
    `-mesh.annotations=${ANNOTATIONS}`,
    `-mesh.only=${only.join(',')}`,
    `-mesh.report=${report}`,
    `-mesh.version=${version}`,
  ];
  const command = [tools.suite, ...flags].map((word) => `'${word}'`).join(' ');
  const { code, stdout, stderr } = await lab.sh(command, { timeoutMs: (limitMinutes + 1) * 60_000 });
  return { tests: readTests(stdout), output: stdout + stderr, passed: code === 0 };
}

/** What is printed of the tests directly below the suite; one that never ended has failed. */
export function readTests(output: string): SuiteRun['tests'] {
  const ended = new Map([...output.matchAll(LINES.ended)].map(([, word = '', name = '']) => [name, OUTCOMES[word]]));
  const asked = [...output.matchAll(LINES.asked)];
  return new Map(
    asked.map(([, name = '', features = '']) => [
      name,
      { outcome: ended.get(name) ?? 'failed', features: features.split(' ') },
    ]),
  );
}

/** What was printed about the tests that failed, cut where it is endless. */
export function failureText(run: SuiteRun): string {
  const lines = run.output.split('\n').filter((line) => /FAIL|Error|panic|expect|wanted|failed/i.test(line));
  return lines.slice(-80).join('\n');
}
