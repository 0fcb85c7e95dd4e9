import { AUTHZ, DETECT_SECONDS, FRAME_BYTES, ROUTE, SECONDS_COARSE, SECONDS_FINE, SRV, TARGET, TLS } from './labels.ts';
import { prefixed } from './prefixed.ts';
import { counter, histogram, type MetricRow } from './row.ts';

const PARENT_ROUTE = ['parent_group', 'parent_kind', 'parent_name', 'parent_port', ...ROUTE] as const;

/** Requests of one kind by inbound route. */
const routes = <const K extends 'http' | 'grpc'>(kind: K) =>
  prefixed(`inbound_${kind}`, {
    requests_total: counter(PARENT_ROUTE, 'Requests dispatched to the application.'),
    request_duration_seconds: histogram(
      PARENT_ROUTE,
      SECONDS_FINE,
      'From the start of a request to the end of its stream.',
    ),
    response_duration_seconds: histogram(
      PARENT_ROUTE,
      SECONDS_COARSE,
      'From the start of a response to the end of its stream.',
    ),
    request_frame_size_bytes: histogram(PARENT_ROUTE, FRAME_BYTES, 'Sizes of the pieces that request bodies came in.'),
    response_frame_size_bytes: histogram(
      PARENT_ROUTE,
      FRAME_BYTES,
      'Sizes of the pieces that response bodies came in.',
    ),
    statuses_total: counter(
      [...PARENT_ROUTE, 'status'],
      kind === 'http'
        ? 'Completed streams by HTTP status; empty when there was none.'
        : 'Completed streams by name of the gRPC status; empty when there was none.',
    ),
  });

/** What clients ask of this pod's application, and what policy says to that. */
export const INBOUND_METRICS = {
  inbound_http_authz_allow_total: counter([...TARGET, ...SRV, ...ROUTE, ...AUTHZ, ...TLS], 'Requests authorized.'),
  inbound_http_authz_deny_total: counter([...TARGET, ...SRV, ...ROUTE, ...TLS], 'Requests refused as unauthorized.'),
  inbound_http_route_not_found_total: counter([...TARGET, ...SRV, ...TLS], 'Requests that no route matched.'),
  inbound_http_local_ratelimit_total: counter(
    [...SRV, 'ratelimit_group', 'ratelimit_kind', 'ratelimit_name', 'ratelimit_scope'],
    'Requests refused by a rate limit. `ratelimit_scope` is `total`, or `identity` for limits of one client.',
  ),
  inbound_tcp_authz_allow_total: counter([...TARGET, ...SRV, ...AUTHZ, ...TLS], 'Connections authorized.'),
  inbound_tcp_authz_deny_total: counter([...TARGET, ...SRV, ...TLS], 'Connections refused as unauthorized.'),
  inbound_tcp_authz_terminate_total: counter([...TARGET, ...SRV, ...TLS], 'Connections cut because a policy changed.'),
  inbound_http_errors_total: counter(['error'], 'Inbound requests that failed in the proxy.'),
  inbound_tcp_errors_total: counter(['error'], 'Inbound connections that failed in the proxy.'),
  ...routes('http'),
  ...routes('grpc'),
  inbound_tcp_detect_http_duration_seconds: histogram(SRV, DETECT_SECONDS, 'Time until the protocol was known.'),
  inbound_tcp_detect_http_results_total: counter(
    ['result', ...SRV],
    'Outcomes of protocol detection: `http/1`, `http/2`, `not_http`, `read_timeout`, `error`.',
  ),
  inbound_tcp_transport_header_connections_total: counter(
    ['session_protocol', 'target_port', 'target_name', 'client_id'],
    'Connections of other proxies that began with a transport header.',
  ),
} as const satisfies Record<string, MetricRow>;
