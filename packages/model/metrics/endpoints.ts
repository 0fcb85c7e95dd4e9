import { AUTHZ, LATENCY_MS, ROUTE, SRV, TARGET, TLS } from './labels.ts';
import { counter, gauge, histogram, type MetricRow } from './row.ts';

const ENDPOINT = ['direction', 'authority', ...TARGET, ...TLS, ...SRV, ...ROUTE, ...AUTHZ, 'dst_*'] as const;
const TCP = ['direction', 'peer', 'authority', ...TARGET, ...TLS, ...SRV, 'dst_*'] as const;
const PROFILE = ['direction', 'dst', 'rt_*'] as const;
/** How a response ended. */
const CLASS = ['status_code', 'classification', 'grpc_status', 'error'] as const;

/** Requests and connections by endpoint, and requests by route of a ServiceProfile: what `linkerd viz` reads. */
export const ENDPOINT_METRICS = {
  request_total: counter(ENDPOINT, 'Request heads.'),
  response_total: counter(
    [...ENDPOINT, ...CLASS],
    'Completed responses. `grpc_status` is the number of a gRPC status, empty without one; `status_code` is empty when no head came.',
  ),
  response_latency_ms: histogram(
    [...ENDPOINT, 'status_code'],
    LATENCY_MS,
    'Milliseconds from the request head to the end of the response.',
  ),
  route_request_total: counter(PROFILE, 'Requests of a profile route, whatever the number of attempts.'),
  route_response_total: counter(
    [...PROFILE, ...CLASS],
    'Responses that clients of a profile route got, classified as the route says.',
  ),
  route_response_latency_ms: histogram(
    [...PROFILE, 'status_code'],
    LATENCY_MS,
    'Milliseconds from the request head to the end of the response, over all attempts.',
  ),
  route_actual_request_total: counter(PROFILE, 'Attempts to send a request of a profile route, retries included.'),
  route_actual_response_total: counter([...PROFILE, ...CLASS], 'Responses to those attempts.'),
  route_retryable_total: counter(
    [...PROFILE, 'skipped'],
    'Responses of a profile route that a retry was allowed for. `skipped` is `no_budget` when the retry budget was spent.',
  ),
  tcp_open_total: counter(TCP, 'Connections opened.'),
  tcp_open_connections: gauge(TCP, 'Connections open now.'),
  tcp_read_bytes_total: counter(TCP, 'Bytes read from the peer.'),
  tcp_write_bytes_total: counter(TCP, 'Bytes written to the peer.'),
  tcp_close_total: counter([...TCP, 'errno'], 'Connections closed. `errno` is empty for a clean close.'),
  stack_create_total: counter(
    ['direction', 'protocol', 'name'],
    'Sets of metrics that were made for an endpoint or a client connection: how often what the proxy talks to changes.',
  ),
  stack_drop_total: counter(['direction', 'protocol', 'name'], 'Such sets that nobody counts into any more.'),
} as const satisfies Record<string, MetricRow>;
