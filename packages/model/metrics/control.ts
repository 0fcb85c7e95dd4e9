import { LATENCY_MS } from './labels.ts';
import { counter, gauge, histogram, type MetricRow } from './row.ts';

const SERVICE = ['addr', 'tls', 'server_id', 'no_tls_reason'] as const;

/** What the proxy asks of its control plane and tells its trace collector. */
export const CONTROL_METRICS = {
  control_request_total: counter(SERVICE, 'Calls to the control plane.'),
  control_response_total: counter(
    [...SERVICE, 'status_code', 'classification', 'grpc_status', 'error'],
    'Calls to the control plane that ended.',
  ),
  control_response_latency_ms: histogram(
    [...SERVICE, 'status_code'],
    LATENCY_MS,
    'Milliseconds that a call to the control plane took.',
  ),
  control_dns_resolutions_total: counter(
    ['client', 'record_type', 'result'],
    'Look-ups of names: `client` is `identity`, `destination`, `policy` or `trace_collector`; `record_type` is `SRV` or `A/AAAA`; `result` is `ok` or `not_found`.',
  ),
  control_identity_cert_expiration_timestamp_seconds: gauge([], 'When the current certificate expires.'),
  control_identity_cert_refresh_timestamp_seconds: gauge([], 'When the current certificate was issued.'),
  control_identity_cert_refreshes_total: counter(['result'], 'Requests for a certificate: `ok` or `error`.'),
  control_identity_trust_roots_info: gauge(
    ['sha256'],
    '1 for the trust roots in use, named by the SHA-256 of their DER one after the other.',
  ),
  opentelemetry_span_export_streams: counter(
    [],
    'Runs of exports to the trace collector: the first, and one after each failure.',
  ),
  opentelemetry_span_export_requests: counter([], 'Batches of spans sent.'),
  opentelemetry_span_exports: counter([], 'Spans that the collector accepted.'),
  opentelemetry_spans_dropped_total: counter(
    ['reason'],
    'Spans lost: `queue` when the collector was too slow, `export` when it refused a batch.',
  ),
} as const satisfies Record<string, MetricRow>;
