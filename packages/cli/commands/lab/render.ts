import type { LabReport } from '#lab/supervisor';

/** A lab as a table: one line a cluster. */
export function statusTable(report: LabReport): string {
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
  const table = [['CLUSTER', 'STATE', 'SERVER', 'NODES', 'RESTARTS'], ...rows];
  const widths = table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? [];
  const lines =
    rows.length === 0
      ? []
      : table.map((row) =>
          row
            .map((cell, at) => cell.padEnd(widths[at] ?? 0))
            .join('  ')
            .trimEnd(),
        );
  const kubeconfig = report.kubeconfig ? [`kubeconfig: ${report.kubeconfig}`] : [];
  return `${[head, ...lines, ...kubeconfig].join('\n')}\n`;
}
