import { BACKEND, DETECT_SECONDS, FRAME_BYTES, OUT_ROUTE, PARENT, SECONDS_COARSE, SECONDS_FINE } from './labels.ts';
import { prefixed } from './prefixed.ts';
import { counter, histogram, type MetricRow } from './row.ts';

const ROUTE = [...OUT_ROUTE, 'hostname'] as const;
const ROUTE_BACKEND = [...OUT_ROUTE, ...BACKEND] as const;

/** Requests of one kind by outbound route; `status` is the label that says how they ended. */
const routes = <const K extends 'http' | 'grpc', const S extends string>(kind: K, status: S) =>
  prefixed(`outbound_${kind}_route`, {
    request_duration_seconds: histogram(
      ROUTE,
      SECONDS_COARSE,
      'From the start of a request to the end of its stream, over all attempts.',
    ),
    request_statuses_total: counter(
      [...ROUTE, status, 'error'],
      'Completed requests, as the client saw them; empty status when there was none, empty error for none.',
    ),
    request_frame_size_bytes: histogram(ROUTE, FRAME_BYTES, 'Sizes of the pieces that request bodies came in.'),
    backend_requests_total: counter(ROUTE_BACKEND, 'Requests dispatched to a backend, retries included.'),
    backend_response_duration_seconds: histogram(
      ROUTE_BACKEND,
      SECONDS_FINE,
      'From the start of a response to the end of its stream.',
    ),
    backend_response_statuses_total: counter([...ROUTE_BACKEND, status, 'error'], 'Completed responses of a backend.'),
    backend_response_frame_size_bytes: histogram(
      ROUTE_BACKEND,
      FRAME_BYTES,
      'Sizes of the pieces that response bodies came in.',
    ),
    retry_requests_total: counter(ROUTE, 'Retries issued.'),
    retry_successes_total: counter(ROUTE, 'Requests whose last attempt was a retry that ended acceptably.'),
    retry_limit_exceeded_total: counter(ROUTE, 'Requests given up because the retries were used up.'),
    retry_overflow_total: counter(ROUTE, 'Retries not issued because no backend was ready or the budget was spent.'),
  });

/** Where this pod's application sends its requests and connections. */
export const OUTBOUND_METRICS = {
  ...routes('http', 'http_status'),
  ...routes('grpc', 'grpc_status'),
  outbound_tcp_route_open_total: counter([...OUT_ROUTE, 'target_ip', 'target_port'], 'Opaque connections opened.'),
  outbound_tcp_route_close_total: counter(
    [...OUT_ROUTE, 'target_ip', 'target_port', 'error'],
    'Opaque connections closed: `error` is empty, `forbidden`, `invalid_backend`, `invalid_policy` or `unexpected`.',
  ),
  outbound_tls_route_open_total: counter([...OUT_ROUTE, 'hostname'], 'TLS connections of the application opened.'),
  outbound_tls_route_close_total: counter(
    [...OUT_ROUTE, 'hostname', 'error'],
    'TLS connections of the application closed; `error` as for opaque ones.',
  ),
  outbound_http_errors_total: counter(['error'], 'Outbound requests that failed in the proxy.'),
  outbound_tcp_errors_total: counter(['error'], 'Outbound connections that failed in the proxy.'),
  outbound_tcp_protocol_connections_total: counter(
    ['protocol', ...PARENT],
    'Connections by what their policy says: `http/1`, `http/2`, `opaq`, `tls`, or `detect` where it leaves that open.',
  ),
  outbound_tcp_detect_http_duration_seconds: histogram(PARENT, DETECT_SECONDS, 'Time until the protocol was known.'),
  outbound_tcp_detect_http_results_total: counter(
    ['result', ...PARENT],
    'Outcomes of protocol detection: `http/1`, `http/2`, `not_http`, `read_timeout`, `error`.',
  ),
  outbound_tcp_transfer_cost_bytes_total: counter(
    ['op', 'zone_locality'],
    'Bytes exchanged with endpoints: `op` is `Send` or `Recv`; `zone_locality` is `Local`, `Remote`, or `Unknown` where zones are not known.',
  ),
} as const satisfies Record<string, MetricRow>;
