import { BACKEND, PARENT } from './labels.ts';
import { prefixed } from './prefixed.ts';
import { counter, gauge, histogram, type MetricRow } from './row.ts';

const balancer = <const P extends string, const L extends readonly string[]>(prefix: P, labels: L, what: string) =>
  prefixed(prefix, {
    balancer_endpoints: gauge(
      ['endpoint_state', ...labels],
      'Endpoints by state: `ready`, or `pending` while they cannot be reached or a circuit breaker is open.',
    ),
    balancer_p2c_endpoints: gauge(labels, 'Endpoints.'),
    balancer_p2c_updates_total: counter(
      ['op', ...labels],
      'Changes of the set of endpoints: `Reset`, and endpoints that came (`Add`) and went (`Remove`).',
    ),
    balancer_queue_length: gauge(labels, `${what} waiting for an endpoint.`),
    balancer_queue_requests_total: counter(labels, `${what} that asked for an endpoint.`),
    balancer_queue_latency_seconds: histogram(
      labels,
      [0.0005, 0.005, 0.05, 0.5, 1, 3],
      `How long ${what.toLowerCase()} waited for an endpoint.`,
    ),
    balancer_queue_gate_open_total: counter(labels, 'Times the balancer became available, the first time included.'),
    balancer_queue_gate_shut_total: counter(labels, 'Times the balancer went into fail-fast.'),
    balancer_queue_gate_open_time_seconds: gauge(labels, 'Time of day since when it is available; 0 in fail-fast.'),
    balancer_queue_gate_shut_time_seconds: gauge(labels, 'Time of day since when it is in fail-fast; 0 otherwise.'),
    balancer_queue_gate_timeout_seconds: gauge(labels, `How long ${what.toLowerCase()} wait before fail-fast begins.`),
  });

/** The load that decides how many endpoints of other zones are used. */
const adaptiveLoad = <const L extends readonly string[]>(labels: L) =>
  prefixed('outbound_http_balancer_adaptive_load', {
    average: gauge(labels, 'Requests awaiting their response, averaged; all active endpoints together.'),
    band_low: gauge(labels, 'Below this load, endpoints of other zones are dropped.'),
    band_high: gauge(labels, 'Above this load, endpoints of other zones are added.'),
  });

const SERVICE = [...PARENT, ...BACKEND] as const;
/** Of connections, Linkerd's proxy says the name as well: `logical` is what was asked for, `concrete` where it went. */
const NAMED = [...SERVICE, 'logical', 'concrete'] as const;

/** Balancers over the endpoints of services, and over those of the control plane (by `addr`). */
export const BALANCER_METRICS = {
  ...balancer('outbound_http', SERVICE, 'Requests'),
  ...adaptiveLoad(SERVICE),
  ...balancer('outbound_tcp', NAMED, 'Connections'),
  ...balancer('outbound_tls', NAMED, 'Connections'),
  ...balancer('control_identity', ['addr'], 'Calls'),
  ...balancer('control_destination', ['addr'], 'Calls'),
  ...balancer('control_policy', ['addr'], 'Calls'),
  ...balancer('opentelemetry', ['addr'], 'Calls'),
} as const satisfies Record<string, MetricRow>;
