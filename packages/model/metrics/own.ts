import { counter, gauge, histogram, type MetricRow } from './row.ts';

/** The process, and what the proxy's own records lost. */
export const PROCESS_METRICS = {
  proxy_build_info: gauge(['date', 'git_sha', 'profile', 'vendor', 'version'], 'Which proxy this is; always 1.'),
  tls_info: gauge(
    ['tls_suites', 'tls_kx_groups', 'tls_rand', 'tls_key_provider', 'tls_fips'],
    'How the proxy encrypts; always 1. Takes the place of rustls_info.',
  ),
  process_start_time_seconds: gauge([], 'When the process started.'),
  process_clock_time_seconds: gauge([], 'Time of day.'),
  process_uptime_seconds_total: counter([], 'Seconds since the start.'),
  process_cpu_seconds_total: counter([], 'CPU time used.'),
  process_resident_memory_bytes: gauge([], 'Memory in RAM.'),
  process_virtual_memory_bytes: gauge([], 'Address space.'),
  process_open_fds: gauge([], 'Open file descriptors.'),
  process_max_fds: gauge([], 'Limit of file descriptors.'),
  process_threads: gauge([], 'Threads.'),
  process_network_receive_bytes_total: counter([], 'Bytes received by the network namespace, loopback excluded.'),
  process_network_transmit_bytes_total: counter([], 'Bytes sent by the network namespace, loopback excluded.'),
  runtime_heap_bytes: gauge([], 'Memory that the garbage collector manages.'),
  runtime_loop_delay_seconds: histogram(
    [],
    [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1],
    'How late a timer of each second fired: the time that work waits behind other work. Takes the place of tokio_rt_*.',
  ),
  accepted_connections: gauge(['direction'], 'Connections that this proxy accepted and that are open.'),
  accepted_connections_refused_total: counter(
    ['direction', 'reason'],
    'Connections closed at once because the proxy was at a limit: `connections`, or `buffered bytes`.',
  ),
  connections_shed_total: counter(
    [],
    'Connections, and streams of shared ones, broken off when too many bytes waited: their readers stood still, or they held most.',
  ),
  buffered_bytes: gauge([], 'Bytes that were read or written and wait in the proxy.'),
  metrics_series_folded_total: counter(
    ['family'],
    'Label sets counted in the series whose labels all say `_folded`, because the budget of series was spent; gauges are left out.',
  ),
  access_log_dropped_total: counter([], 'Lines of the access log lost because standard error was too slow.'),
  log_suppressed_total: counter(['target'], 'Log lines left out because too many of their kind came in one second.'),
  tap_events_dropped_total: counter([], 'Tap events lost because their reader was too slow.'),
} as const satisfies Record<string, MetricRow>;
