/** docs/reports/gateway-api-conformance.md: what the suite asked, when and where, and what came of it. */
import { renderTable } from '../../bench/table.ts';
import type { Outcome, SuiteRun } from './run-suite.ts';

export interface Circumstances {
  readonly date: string;
  readonly machine: string;
  readonly command: string;
  /** Of the Gateway API and its suite. */
  readonly version: string;
  /** The mesh that was tested, e.g. `Weft at commit 0123abc`. */
  readonly weft: string;
  /** File name of the suite's own report, beside the page. */
  readonly ownReport: string;
}

/** Features that every mesh has; what else a test needs, is claimed. */
const CORE = ['Mesh', 'HTTPRoute', 'GRPCRoute'];

const isCore = (features: readonly string[]): boolean => features.every((feature) => CORE.includes(feature));

/** One line, e.g. `8 of 8 core tests and 15 of 15 for extended features passed`. */
export function summary({ tests }: SuiteRun): string {
  const rows = [...tests.values()];
  const passed = (wanted: typeof rows): string =>
    `${wanted.filter(({ outcome }) => outcome === 'passed').length} of ${wanted.length}`;
  const core = rows.filter(({ features }) => isCore(features));
  const extended = rows.filter(({ features }) => !isCore(features));
  return `${passed(core)} core tests and ${passed(extended)} tests of extended features passed`;
}

const WORDS: Readonly<Record<Outcome, string>> = { passed: 'passed', failed: '**failed**', skipped: '**skipped**' };

export function renderReport(run: SuiteRun, circumstances: Circumstances): string {
  const { date, machine, command, version, weft, ownReport } = circumstances;
  const rows = [...run.tests].map(([name, { outcome, features }]) => [
    name,
    features.filter((feature) => !CORE.includes(feature)).join(', ') || 'core',
    WORDS[outcome],
  ]);
  return `${[
    '# Conformance of meshes with the Gateway API',
    `Made by \`${command}\` on ${date}; ${machine}. Do not edit.`,
    `${weft}, installed by \`install\` into a lab cluster beside the definitions of the Gateway API ${version} (standard channel, with the admission policy that comes with them). The suite is the Go module sigs.k8s.io/gateway-api/conformance v${version}, profiles MESH-HTTP and MESH-GRPC, with its own manifests, expectations and time limits. Its workload is our own server and client under the image name that its manifests use (conformance/gateway-api/suite/echo): the published image is not a Go module.`,
    `${summary(run)}.`,
    renderTable([['test', 'extended features', 'outcome'], ...rows]),
    `The suite's own report is [${ownReport}](${ownReport}). It counts a test only where its profile knows all the features that the test needs, and so leaves out those of features of HTTPRoute that gateways have as well; here every test counts that can be asked of a mesh.`,
  ].join('\n\n')}\n`;
}
