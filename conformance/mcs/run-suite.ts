/** Runs the suite of the Multi-Cluster Services API against two clusters and reads its report. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab } from '../harness/index.ts';
import { CLUSTERS } from './lab.ts';

export interface SuiteCase {
  name: string;
  labels: readonly string[];
  state: 'passed' | 'failed' | 'skipped';
  /** Of a failure. */
  message: string;
}

interface Report {
  SpecReports?: {
    LeafNodeType?: string;
    LeafNodeText?: string;
    LeafNodeLabels?: string[] | null;
    ContainerHierarchyTexts?: string[] | null;
    ContainerHierarchyLabels?: string[][] | null;
    State?: string;
    Failure?: { Message?: string };
  }[];
}

/** `labels`: a label filter of the suite, e.g. `Required`; all cases without. `suite` is its program, `folder` for what it writes. */
export async function runSuite(
  lab: Lab,
  {
    suite,
    folder,
    labels = '',
    limitMinutes,
  }: { suite: string; folder: string; labels?: string; limitMinutes: number },
): Promise<{ cases: SuiteCase[]; output: string; passed: boolean }> {
  const report = join(folder, 'report.json');
  const flags = [
    `-contexts=${CLUSTERS.join()}`,
    `-test.timeout=${limitMinutes}m`,
    `-ginkgo.timeout=${limitMinutes}m`,
    `-ginkgo.json-report=${report}`,
    ...(labels ? [`-ginkgo.label-filter=${labels}`] : []),
  ];
  const command = `cd '${folder}' && ${[suite, ...flags].map((word) => `'${word}'`).join(' ')}`;
  const { code, stdout, stderr } = await lab.sh(command, { timeoutMs: (limitMinutes + 1) * 60_000 });
  const [first] = JSON.parse(readFileSync(report, 'utf8')) as Report[];
  return { cases: readCases(first ?? {}), output: stdout + stderr, passed: code === 0 };
}

/** The cases of a report of Ginkgo; those that a filter left out are not among them. */
export function readCases({ SpecReports = [] }: Report): SuiteCase[] {
  return SpecReports.filter(({ LeafNodeType }) => LeafNodeType === 'It').flatMap((spec) => {
    const { State = '', Failure, LeafNodeText = '', ContainerHierarchyTexts } = spec;
    if (State === 'skipped' && !Failure?.Message) return [];
    const name = [...(ContainerHierarchyTexts ?? []), LeafNodeText].filter(Boolean).join(' ');
    const labels = [
      ...(spec.ContainerHierarchyLabels ?? []).flatMap((each) => each ?? []),
      ...(spec.LeafNodeLabels ?? []),
    ];
    const state = State === 'passed' || State === 'skipped' ? State : 'failed';
    return [{ name, labels, state, message: Failure?.Message ?? '' }];
  });
}

/** E.g. `14 of 14 passed, 0 skipped`. */
export function summary(cases: readonly SuiteCase[], label: string): string {
  const labelled = cases.filter(({ labels }) => labels.includes(label));
  const count = (state: SuiteCase['state']) => labelled.filter((each) => each.state === state).length;
  return `${count('passed')} of ${labelled.length} passed, ${count('skipped')} skipped`;
}
