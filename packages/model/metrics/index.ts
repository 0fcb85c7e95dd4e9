/**
 * The proxy's metrics as one table: name, kind, labels in the order they are written, buckets and help. Names and labels are
 * Linkerd's. A metric or label that is not here does not compile; docs/reference/proxy-metrics.md is made from it.
 */
import { BALANCER_METRICS } from './balancers.ts';
import { CONTROL_METRICS } from './control.ts';
import { ENDPOINT_METRICS } from './endpoints.ts';
import { INBOUND_METRICS } from './inbound.ts';
import { OUTBOUND_METRICS } from './outbound.ts';
import { PROCESS_METRICS } from './own.ts';
import type { MetricRow } from './row.ts';

export type { MetricRow } from './row.ts';

/** The table in the chapters of its reference page. */
export const METRIC_CHAPTERS = {
  'Endpoints and profile routes': ENDPOINT_METRICS,
  Inbound: INBOUND_METRICS,
  Outbound: OUTBOUND_METRICS,
  Balancers: BALANCER_METRICS,
  'Control plane and tracing': CONTROL_METRICS,
  Process: PROCESS_METRICS,
} as const satisfies Record<string, Record<string, MetricRow>>;

export const PROXY_METRICS = {
  ...ENDPOINT_METRICS,
  ...INBOUND_METRICS,
  ...OUTBOUND_METRICS,
  ...BALANCER_METRICS,
  ...CONTROL_METRICS,
  ...PROCESS_METRICS,
} as const satisfies Record<string, MetricRow>;

export type ProxyMetrics = typeof PROXY_METRICS;
