/** Labels that several metrics share, in the order they are written, and the bounds of buckets. */

export const TLS = ['tls', 'client_id', 'server_id', 'no_tls_reason', 'sni'] as const;
export const TARGET = ['target_addr', 'target_ip', 'target_port'] as const;
export const SRV = ['srv_group', 'srv_kind', 'srv_name', 'srv_port'] as const;
export const ROUTE = ['route_group', 'route_kind', 'route_name'] as const;
export const AUTHZ = ['authz_group', 'authz_kind', 'authz_name'] as const;
export const PARENT = [
  'parent_group',
  'parent_kind',
  'parent_namespace',
  'parent_name',
  'parent_port',
  'parent_section_name',
] as const;
export const BACKEND = [
  'backend_group',
  'backend_kind',
  'backend_namespace',
  'backend_name',
  'backend_port',
  'backend_section_name',
] as const;
export const OUT_ROUTE = [...PARENT, 'route_group', 'route_kind', 'route_namespace', 'route_name'] as const;

/** Bounds of response latencies in milliseconds. */
export const LATENCY_MS = [
  1, 2, 3, 4, 5, 10, 20, 30, 40, 50, 100, 200, 300, 400, 500, 1_000, 2_000, 3_000, 4_000, 5_000, 10_000, 20_000, 30_000,
  40_000, 50_000,
] as const;
/** Bounds of durations in seconds, finer and coarser. */
export const SECONDS_FINE = [0.025, 0.05, 0.1, 0.25, 0.5, 1, 10] as const;
export const SECONDS_COARSE = [0.05, 0.5, 1, 10] as const;
export const DETECT_SECONDS = [0.001, 0.1] as const;
export const FRAME_BYTES = [128, 1_024, 10_240] as const;
