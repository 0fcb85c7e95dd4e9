/**
 * The proxy's metrics as a table: name, kind, labels in the order they are written, buckets and help. Names and labels are
 * Linkerd's. A metric or label that is not here does not compile.
 */
export interface MetricRow {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  /** A label ending in `*` stands for every label with that beginning. */
  readonly labels: readonly string[];
  /** Upper bounds of a histogram's buckets without +Inf, in the unit of the name. */
  readonly buckets?: readonly number[];
}

/** Bounds of response_latency_ms. */
const LATENCY_MS = [
  1, 2, 3, 4, 5, 10, 20, 30, 40, 50, 100, 200, 300, 400, 500, 1_000, 2_000, 3_000, 4_000, 5_000, 10_000, 20_000, 30_000,
  40_000, 50_000,
] as const;

const TLS = ['tls', 'client_id', 'server_id', 'no_tls_reason', 'sni'] as const;
const TARGET = ['target_addr', 'target_ip', 'target_port'] as const;
const SRV = ['srv_group', 'srv_kind', 'srv_name', 'srv_port'] as const;
const ROUTE = ['route_group', 'route_kind', 'route_name'] as const;
const AUTHZ = ['authz_group', 'authz_kind', 'authz_name'] as const;
const ENDPOINT = ['direction', 'authority', ...TARGET, ...TLS, ...SRV, ...ROUTE, ...AUTHZ, 'dst_*'] as const;
const RESPONSE = [...ENDPOINT, 'status_code'] as const;
const TCP = ['direction', 'peer', 'authority', ...TARGET, ...TLS, ...SRV, 'dst_*'] as const;
const INBOUND_PARENT = ['parent_group', 'parent_kind', 'parent_name', 'parent_port', ...ROUTE] as const;
const PARENT = [
  'parent_group',
  'parent_kind',
  'parent_namespace',
  'parent_name',
  'parent_port',
  'parent_section_name',
] as const;
const OUT_ROUTE = [...PARENT, 'route_group', 'route_kind', 'route_namespace', 'route_name'] as const;
const BACKEND = [
  'backend_group',
  'backend_kind',
  'backend_namespace',
  'backend_name',
  'backend_port',
  'backend_section_name',
] as const;
const OUT_BACKEND = [...OUT_ROUTE, ...BACKEND] as const;
const BALANCER = [...PARENT, ...BACKEND] as const;

const counter = <const L extends readonly string[]>(labels: L, help: string) =>
  ({ type: 'counter', labels, help }) as const;
const gauge = <const L extends readonly string[]>(labels: L, help: string) =>
  ({ type: 'gauge', labels, help }) as const;
const histogram = <const L extends readonly string[]>(labels: L, buckets: readonly number[], help: string) =>
  ({ type: 'histogram', labels, buckets, help }) as const;

export const PROXY_METRICS = {
  request_total: counter(ENDPOINT, 'Request heads.'),
  response_total: counter([...RESPONSE, 'classification', 'grpc_status', 'error'], 'Completed responses.'),
  response_latency_ms: histogram(RESPONSE, LATENCY_MS, 'Milliseconds from request head to the end of the response.'),
  tcp_open_total: counter(TCP, 'Connections opened.'),
  tcp_open_connections: gauge(TCP, 'Connections open now.'),
  tcp_read_bytes_total: counter(TCP, 'Bytes read from the peer.'),
  tcp_write_bytes_total: counter(TCP, 'Bytes written to the peer.'),
  tcp_close_total: counter([...TCP, 'errno'], 'Connections closed; errno is empty for a clean close.'),
  inbound_http_authz_allow_total: counter([...TARGET, ...SRV, ...ROUTE, ...AUTHZ, ...TLS], 'Requests authorized.'),
  inbound_http_authz_deny_total: counter([...TARGET, ...SRV, ...ROUTE, ...TLS], 'Requests refused as unauthorized.'),
  inbound_http_route_not_found_total: counter([...TARGET, ...SRV, ...TLS], 'Requests that no route matched.'),
  inbound_tcp_authz_allow_total: counter([...TARGET, ...SRV, ...AUTHZ, ...TLS], 'Connections authorized.'),
  inbound_tcp_authz_deny_total: counter([...TARGET, ...SRV, ...TLS], 'Connections refused as unauthorized.'),
  inbound_tcp_authz_terminate_total: counter([...TARGET, ...SRV, ...TLS], 'Connections cut because a policy changed.'),
  inbound_http_errors_total: counter(['error'], 'Inbound requests that failed in the proxy.'),
  inbound_tcp_errors_total: counter(['error'], 'Inbound connections that failed in the proxy.'),
  outbound_http_errors_total: counter(['error'], 'Outbound requests that failed in the proxy.'),
  outbound_tcp_errors_total: counter(['error'], 'Outbound connections that failed in the proxy.'),
  inbound_http_requests_total: counter(INBOUND_PARENT, 'Requests dispatched to the application.'),
  inbound_http_request_duration_seconds: histogram(
    INBOUND_PARENT,
    [0.025, 0.05, 0.1, 0.25, 0.5, 1, 10],
    'Request start to stream end.',
  ),
  inbound_http_response_duration_seconds: histogram(
    INBOUND_PARENT,
    [0.05, 0.5, 1, 10],
    'Response start to stream end.',
  ),
  inbound_http_request_frame_size_bytes: histogram(
    INBOUND_PARENT,
    [128, 1024, 10_240],
    'Sizes of request body frames.',
  ),
  inbound_http_response_frame_size_bytes: histogram(
    INBOUND_PARENT,
    [128, 1024, 10_240],
    'Sizes of response body frames.',
  ),
  inbound_http_statuses_total: counter([...INBOUND_PARENT, 'status'], 'Completed streams by status.'),
  inbound_tcp_detect_http_duration_seconds: histogram(SRV, [0.001, 0.1], 'Time to tell the protocol.'),
  inbound_tcp_detect_http_results_total: counter(['result', ...SRV], 'Outcomes of protocol detection.'),
  inbound_tcp_transport_header_connections_total: counter(
    ['session_protocol', 'target_port', 'target_name', 'client_id'],
    'Connections that began with a transport header.',
  ),
  outbound_http_route_request_duration_seconds: histogram(
    [...OUT_ROUTE, 'hostname'],
    [0.05, 0.5, 1, 10],
    'Request start to stream end.',
  ),
  outbound_http_route_request_statuses_total: counter(
    [...OUT_ROUTE, 'hostname', 'http_status', 'error'],
    'Completed requests.',
  ),
  outbound_http_route_request_frame_size_bytes: histogram(
    [...OUT_ROUTE, 'hostname'],
    [128, 1024, 10_240],
    'Sizes of request body frames.',
  ),
  outbound_http_route_backend_requests_total: counter(OUT_BACKEND, 'Requests dispatched to a backend.'),
  outbound_http_route_backend_response_duration_seconds: histogram(
    OUT_BACKEND,
    [0.025, 0.05, 0.1, 0.25, 0.5, 1, 10],
    'Response start to stream end.',
  ),
  outbound_http_route_backend_response_statuses_total: counter(
    [...OUT_BACKEND, 'http_status', 'error'],
    'Completed responses.',
  ),
  outbound_http_route_backend_response_frame_size_bytes: histogram(
    OUT_BACKEND,
    [128, 1024, 10_240],
    'Sizes of response body frames.',
  ),
  outbound_tcp_route_open_total: counter([...OUT_ROUTE, 'target_ip', 'target_port'], 'Opaque connections opened.'),
  outbound_tcp_route_close_total: counter(
    [...OUT_ROUTE, 'target_ip', 'target_port', 'error'],
    'Opaque connections closed.',
  ),
  outbound_tcp_protocol_connections_total: counter(['protocol', ...PARENT], 'Connections by protocol.'),
  outbound_tcp_detect_http_duration_seconds: histogram(PARENT, [0.001, 0.1], 'Time to tell the protocol.'),
  outbound_tcp_detect_http_results_total: counter(['result', ...PARENT], 'Outcomes of protocol detection.'),
  outbound_tcp_transfer_cost_bytes_total: counter(['op', 'zone_locality'], 'Bytes by the zone of the endpoint.'),
  outbound_http_balancer_endpoints: gauge(['endpoint_state', ...BALANCER], 'Endpoints by state.'),
  outbound_http_balancer_p2c_endpoints: gauge(BALANCER, 'Endpoints.'),
  outbound_http_balancer_p2c_updates_total: counter(['op', ...BALANCER], 'Changes of the endpoint set.'),
  outbound_http_balancer_queue_length: gauge(BALANCER, 'Requests waiting for an endpoint.'),
  outbound_http_balancer_queue_requests_total: counter(BALANCER, 'Requests that entered the queue.'),
  outbound_http_balancer_queue_gate_open_total: counter(BALANCER, 'Times the balancer became available.'),
  outbound_http_balancer_queue_gate_shut_total: counter(BALANCER, 'Times the balancer went into fail-fast.'),
  outbound_tcp_balancer_endpoints: gauge(['endpoint_state', ...BALANCER], 'Endpoints by state.'),
  outbound_tcp_balancer_p2c_endpoints: gauge(BALANCER, 'Endpoints.'),
  outbound_tcp_balancer_p2c_updates_total: counter(['op', ...BALANCER], 'Changes of the endpoint set.'),
  outbound_tcp_balancer_queue_length: gauge(BALANCER, 'Connections waiting for an endpoint.'),
  outbound_tcp_balancer_queue_requests_total: counter(BALANCER, 'Connections that entered the queue.'),
  outbound_tcp_balancer_queue_gate_open_total: counter(BALANCER, 'Times the balancer became available.'),
  outbound_tcp_balancer_queue_gate_shut_total: counter(BALANCER, 'Times the balancer went into fail-fast.'),
  control_request_total: counter(['addr', 'tls', 'server_id', 'no_tls_reason'], 'Calls to the control plane.'),
  control_response_total: counter(
    ['addr', 'tls', 'server_id', 'no_tls_reason', 'status_code', 'classification', 'grpc_status', 'error'],
    'Calls to the control plane that ended.',
  ),
  control_response_latency_ms: histogram(
    ['addr', 'tls', 'server_id', 'no_tls_reason', 'status_code'],
    LATENCY_MS,
    'Milliseconds a call to the control plane took.',
  ),
  control_dns_resolutions_total: counter(['client', 'record_type', 'result'], 'Look-ups of control-plane names.'),
  control_identity_cert_expiration_timestamp_seconds: gauge([], 'When the current certificate expires.'),
  control_identity_cert_refresh_timestamp_seconds: gauge([], 'When the current certificate was issued.'),
  control_identity_cert_refreshes_total: counter(['result'], 'Requests for a certificate.'),
  proxy_build_info: gauge(['date', 'git_sha', 'profile', 'vendor', 'version'], 'Which proxy this is.'),
  process_start_time_seconds: gauge([], 'When the process started.'),
  process_clock_time_seconds: gauge([], 'Time of day.'),
  process_uptime_seconds_total: counter([], 'Seconds since the start.'),
  process_cpu_seconds_total: counter([], 'CPU time used.'),
  process_resident_memory_bytes: gauge([], 'Memory in RAM.'),
  process_virtual_memory_bytes: gauge([], 'Address space.'),
  process_open_fds: gauge([], 'Open file descriptors.'),
  process_max_fds: gauge([], 'Limit of file descriptors.'),
  process_threads: gauge([], 'Threads.'),
  process_network_receive_bytes_total: counter([], 'Bytes received by the network namespace.'),
  process_network_transmit_bytes_total: counter([], 'Bytes sent by the network namespace.'),
  metrics_series_dropped_total: counter([], 'Series refused because the budget was spent.'),
} as const satisfies Record<string, MetricRow>;

export type ProxyMetrics = typeof PROXY_METRICS;
