import { describeTrouble } from '#lab/faults';
import type { LabReport, ReportedFault } from '#lab/supervisor';

/** A lab as a table: one line a cluster, and one for each thing that is wrong between them on demand. */
export function statusTable(report: LabReport, nowMs: number): string {
  const head = report.running
    ? `lab "${report.name}" is running (pid ${report.pid})`
    : `lab "${report.name}" is not running`;
  const rows = report.clusters.map(({ name, state, stage, server, restarts, nodes }) => [
    name,
    state === 'starting' && stage ? `starting: ${stage}` : state,
    server,
    String(nodes.length),
    String(restarts),
  ]);
  const lines = rows.length === 0 ? [] : columns([['CLUSTER', 'STATE', 'SERVER', 'NODES', 'RESTARTS'], ...rows]);
  const kubeconfig = report.kubeconfig ? [`kubeconfig: ${report.kubeconfig}`] : [];
  const isolated = report.isolated ? ['isolated: pods reach other clusters by gateways only'] : [];
  const faults = report.faults.length > 0 ? ['', ...faultLines(report.faults, nowMs)] : [];
  return `${[head, ...lines, ...kubeconfig, ...isolated, ...faults].join('\n')}\n`;
}

/** What is wrong between clusters, one line a pair and kind. */
export const faultsTable = (faults: readonly ReportedFault[], nowMs: number): string =>
  faults.length === 0 ? 'the network is whole\n' : `${faultLines(faults, nowMs).join('\n')}\n`;

const faultLines = (faults: readonly ReportedFault[], nowMs: number): string[] => {
  const seconds = (ms: number): string => `${Math.max(0, Math.round(ms / 1000))} s`;
  const rows = faults.map((fault) => [
    fault.clusters.join(' - '),
    describeTrouble(fault),
    seconds(nowMs - fault.sinceMs),
    fault.broken
      ? `not in force: ${fault.broken}`
      : fault.untilMs
        ? `in ${seconds(fault.untilMs - nowMs)}`
        : 'when healed',
  ]);
  return columns([['BETWEEN', 'WHAT', 'AGE', 'ENDS'], ...rows]);
};

function columns(table: readonly (readonly string[])[]): string[] {
  const widths = table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? [];
  return table.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
