import type { Gauge } from '#runtime/metrics';
import type { ControlMetrics } from '../process/index.ts';
import type { FaultName } from './faults.ts';

/** Keeps `remote_cluster_fault` of each cluster at 1 for what is wrong with it, and lets go of what is not. */
export function faultMetrics(metrics: ControlMetrics): (cluster: string, reasons: ReadonlySet<FaultName>) => void {
  const held = new Map<string, Map<FaultName, Gauge>>();
  return (cluster, reasons) => {
    const gauges = held.get(cluster) ?? new Map<FaultName, Gauge>();
    held.set(cluster, gauges);
    for (const [reason, gauge] of gauges) {
      if (reasons.has(reason)) continue;
      gauge.set(0);
      gauges.delete(reason);
      metrics.release('remote_cluster_fault', { cluster, reason });
    }
    for (const reason of reasons) {
      if (gauges.has(reason)) continue;
      const gauge = metrics.gauge('remote_cluster_fault', { cluster, reason });
      gauge.set(1);
      gauges.set(reason, gauge);
    }
  };
}
