/** The controllers' metrics as a table; names and labels are Linkerd's. */
import type { CallName, CallObserver, GrpcCode } from '#runtime/grpc';
import { Registry } from '#runtime/metrics';

const GRPC = ['grpc_type', 'grpc_service', 'grpc_method'] as const;
const ENDPOINTS = ['cluster', 'namespace', 'service', 'port', 'hostname', 'nodename'] as const;
const NAMESPACE = ['namespace'] as const;
const WATCH = ['cluster', 'resource'] as const;
const TARGET = ['target_cluster_name'] as const;
const INJECTOR = ['owner_kind', 'namespace', 'annotation_at', '*'] as const;

const CACHE = { type: 'gauge', labels: ['cluster'], help: 'Objects known of a kind.' } as const;
const LAG = {
  type: 'histogram',
  labels: [],
  buckets: [0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 1000],
  help: 'Time from the change of an object to its arrival.',
} as const;
const QUEUE = { labels: [] } as const;
const WORK_SECONDS = [0.001, 0.01, 0.1, 1, 10] as const;

export const CONTROL_METRICS = {
  grpc_server_started_total: { type: 'counter', labels: GRPC, help: 'Calls begun.' },
  grpc_server_handled_total: { type: 'counter', labels: [...GRPC, 'grpc_code'], help: 'Calls ended, by status.' },
  grpc_server_msg_received_total: { type: 'counter', labels: GRPC, help: 'Request messages.' },
  grpc_server_msg_sent_total: { type: 'counter', labels: GRPC, help: 'Response messages.' },
  grpc_server_handling_seconds: {
    type: 'histogram',
    labels: GRPC,
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    help: 'Duration of calls.',
  },
  issuer_cert_ttl_seconds: { type: 'gauge', labels: [], help: "Seconds until the issuer's certificate expires." },
  trust_roots: { type: 'gauge', labels: [], help: 'Trust roots in use.' },
  trust_root_ttl_seconds: { type: 'gauge', labels: [], help: 'Seconds until the first of them expires.' },
  trust_followers: { type: 'gauge', labels: [], help: 'Proxies that are told of changes of roots and issuer.' },
  certify_refused_total: { type: 'counter', labels: ['reason'], help: 'Certificate requests refused, by status code.' },
  cluster_store_size: { type: 'gauge', labels: [], help: 'Remote clusters whose credentials are known.' },
  remote_cluster_up: { type: 'gauge', labels: ['cluster'], help: 'Whether the remote API answers: 1 or 0.' },
  remote_cluster_fault: {
    type: 'gauge',
    labels: ['cluster', 'reason'],
    help: 'What is wrong with a linked cluster: 1 while it is so.',
  },
  gateway_enabled: { type: 'gauge', labels: TARGET, help: 'Whether services are mirrored through a gateway: 1 or 0.' },
  gateway_alive: { type: 'gauge', labels: TARGET, help: 'Whether the gateway answers probes: 1 or 0.' },
  gateway_latency: { type: 'gauge', labels: TARGET, help: 'Milliseconds that the last successful probe took.' },
  gateway_probe_latency_ms: {
    type: 'histogram',
    labels: TARGET,
    buckets: [1, 10, 100, 1000, 10_000].flatMap((unit) => [1, 2, 3, 4, 5].map((steps) => steps * unit)),
    help: 'Milliseconds that successful probes took.',
  },
  gateway_probes: { type: 'counter', labels: [...TARGET, 'probe_successful'], help: 'Probes of the gateway.' },
  service_mirror_endpoint_repairs: {
    type: 'counter',
    labels: TARGET,
    help: "Times that the gateway's addresses were looked up and all endpoints of mirrors compared with them.",
  },
  endpoints_subscribers: { type: 'gauge', labels: ENDPOINTS, help: 'Streams that follow the endpoints of a service.' },
  endpoints_updates: { type: 'counter', labels: ENDPOINTS, help: 'Changes of the endpoints of a service.' },
  endpoints_pods: { type: 'gauge', labels: ENDPOINTS, help: 'Endpoints of a service.' },
  endpoints_exists: { type: 'gauge', labels: ENDPOINTS, help: 'Whether the service exists: 1 or 0.' },
  profile_subscribers: { type: 'gauge', labels: ['namespace', 'profile'], help: 'Streams that follow a profile.' },
  profile_updates: { type: 'counter', labels: ['namespace', 'profile'], help: 'Changes of a profile.' },
  service_subscribers: { type: 'gauge', labels: ['namespace', 'name'], help: 'Streams that follow a Service itself.' },
  workload_subscribers: { type: 'gauge', labels: [], help: 'Streams that follow an address that no Service has.' },
  workload_updates: { type: 'counter', labels: [], help: 'Changes of what is told of such addresses.' },
  stream_updates_coalesced: { type: 'counter', labels: ['stream'], help: 'Changes merged while a proxy read slowly.' },
  kube_watch_failures_total: { type: 'counter', labels: WATCH, help: 'Attempts to list or watch that failed.' },
  kube_watch_lists_total: {
    type: 'counter',
    labels: WATCH,
    help: 'Full lists: the first, and one each time that a watch began anew.',
  },
  kube_watch_lost_seconds: {
    type: 'gauge',
    labels: WATCH,
    help: 'For how long attempts to watch have failed; 0: it goes on.',
  },
  service_cache_size: CACHE,
  endpoint_slice_cache_size: CACHE,
  pod_cache_size: CACHE,
  server_cache_size: CACHE,
  replica_set_cache_size: CACHE,
  job_cache_size: CACHE,
  node_cache_size: CACHE,
  service_profile_cache_size: CACHE,
  external_workload_cache_size: CACHE,
  services_informer_lag_seconds: LAG,
  endpointslices_informer_lag_seconds: LAG,
  pods_informer_lag_seconds: LAG,
  servers_informer_lag_seconds: LAG,
  serviceprofiles_informer_lag_seconds: LAG,
  externalworkload_informer_lag_seconds: LAG,
  endpoints_controller_workqueue_depth: { ...QUEUE, type: 'gauge', help: 'Services that wait to be worked on.' },
  endpoints_controller_workqueue_adds_total: { ...QUEUE, type: 'counter', help: 'Services put into the queue.' },
  endpoints_controller_workqueue_retries_total: {
    ...QUEUE,
    type: 'counter',
    help: 'Services put back after a failure.',
  },
  endpoints_controller_workqueue_drops_total: { ...QUEUE, type: 'counter', help: 'Services given up after failures.' },
  endpoints_controller_workqueue_queue_latency_seconds: {
    ...QUEUE,
    type: 'histogram',
    buckets: WORK_SECONDS,
    help: 'Time from the queue to the work.',
  },
  endpoints_controller_workqueue_work_duration_seconds: {
    ...QUEUE,
    type: 'histogram',
    buckets: WORK_SECONDS,
    help: 'Duration of the work on one Service.',
  },
  linkerd_cni_repair_controller_queue_overflow_total: {
    type: 'counter',
    labels: [],
    help: 'Pods that found no room in the queue for repair.',
  },
  linkerd_cni_repair_controller_pods_deleted_total: { type: 'counter', labels: [], help: 'Pods deleted.' },
  linkerd_cni_repair_controller_pods_delete_latency_seconds: {
    ...QUEUE,
    type: 'histogram',
    buckets: WORK_SECONDS,
    help: 'Duration of deletions.',
  },
  linkerd_cni_repair_controller_pods_delete_errors_total: {
    type: 'counter',
    labels: [],
    help: 'Deletions that the API server refused.',
  },
  linkerd_cni_repair_controller_pods_delete_timeouts_total: {
    type: 'counter',
    labels: [],
    help: 'Deletions that took too long.',
  },
  proxy_inject_admission_requests_total: { type: 'counter', labels: INJECTOR, help: 'Requests to inject.' },
  proxy_inject_admission_responses_total: {
    type: 'counter',
    labels: ['skip', 'skip_reason', ...INJECTOR],
    help: 'Answers to them.',
  },
  resource_status_patches_total: { type: 'counter', labels: [], help: 'Statuses written.' },
  resource_status_patch_api_errors_total: {
    type: 'counter',
    labels: [],
    help: 'Statuses that the API server refused.',
  },
  resource_status_patch_timeouts_total: { type: 'counter', labels: [], help: 'Statuses that took too long to write.' },
  resource_status_patch_enqueues_total: {
    type: 'counter',
    labels: [],
    help: 'Statuses that began to wait for writing.',
  },
  resource_status_patch_dequeues_total: {
    type: 'counter',
    labels: [],
    help: 'Statuses that ended to wait for writing.',
  },
  resource_status_patch_drops_total: {
    type: 'counter',
    labels: [],
    help: 'Statuses that waited when another replica began to lead.',
  },
  resource_status_patch_enqueue_overflows_total: {
    type: 'counter',
    labels: [],
    help: 'Statuses that found no room to wait; the next look at all objects finds them again.',
  },
  resource_status_patch_duration_seconds: {
    type: 'histogram',
    labels: [],
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    help: 'Time that writing a status took.',
  },
  inbound_index_authorization_policy_index_size: { type: 'gauge', labels: NAMESPACE, help: 'AuthorizationPolicies.' },
  inbound_index_external_workload_index_size: { type: 'gauge', labels: NAMESPACE, help: 'ExternalWorkloads.' },
  inbound_index_grpc_route_index_size: { type: 'gauge', labels: NAMESPACE, help: 'GRPCRoutes of Servers.' },
  inbound_index_http_local_rate_limit_policy_index_size: { type: 'gauge', labels: NAMESPACE, help: 'Rate limits.' },
  inbound_index_http_route_index_size: { type: 'gauge', labels: NAMESPACE, help: 'HTTPRoutes of Servers.' },
  inbound_index_meshtls_authentication_index_size: {
    type: 'gauge',
    labels: NAMESPACE,
    help: 'MeshTLSAuthentications.',
  },
  inbound_index_network_authentication_index_size: {
    type: 'gauge',
    labels: NAMESPACE,
    help: 'NetworkAuthentications.',
  },
  inbound_index_pod_index_size: { type: 'gauge', labels: NAMESPACE, help: 'Meshed pods.' },
  inbound_index_server_index_size: { type: 'gauge', labels: NAMESPACE, help: 'Servers.' },
  inbound_index_server_authorization_index_size: { type: 'gauge', labels: NAMESPACE, help: 'ServerAuthorizations.' },
  admission_reviews_total: { type: 'counter', labels: ['kind', 'allowed'], help: 'Objects validated.' },
} as const;

export type ControlMetrics = Registry<typeof CONTROL_METRICS>;

/** Series of one controller: some per service, so more than enough for thousands of services. */
const SERIES_MAX = 50_000;
/** How long the series of a service nobody follows any more stays. */
const RETAIN_MS = 10 * 60_000;

/** An empty registry of the table. */
export function createControlMetrics(nowMs: () => number): ControlMetrics {
  return new Registry(CONTROL_METRICS, { seriesMax: SERIES_MAX, retainMs: RETAIN_MS }, nowMs);
}

/** Counts gRPC calls in the families grpc_server_*. */
export function grpcMetrics(metrics: ControlMetrics): CallObserver {
  // Held by method: a message must not cost the making of its labels.
  const messages = new WeakMap<CallName, { received: { inc(): void }; sent: { inc(): void } }>();
  const labels = (call: CallName) => ({ grpc_type: call.type, grpc_service: call.service, grpc_method: call.method });
  const messagesOf = (call: CallName) => {
    let held = messages.get(call);
    if (!held) {
      held = {
        received: metrics.counter('grpc_server_msg_received_total', labels(call)),
        sent: metrics.counter('grpc_server_msg_sent_total', labels(call)),
      };
      messages.set(call, held);
    }
    return held;
  };
  return {
    started: (call) => metrics.counter('grpc_server_started_total', labels(call)).inc(),
    received: (call) => messagesOf(call).received.inc(),
    sent: (call) => messagesOf(call).sent.inc(),
    handled: (call, code, seconds) => {
      metrics.counter('grpc_server_handled_total', { ...labels(call), grpc_code: GO_CODES[code] }).inc();
      metrics.histogram('grpc_server_handling_seconds', labels(call)).observe(seconds);
    },
  };
}

/** Status codes as Go's gRPC libraries spell them in metrics. */
const GO_CODES: Record<GrpcCode, string> = {
  OK: 'OK',
  CANCELLED: 'Canceled',
  UNKNOWN: 'Unknown',
  INVALID_ARGUMENT: 'InvalidArgument',
  DEADLINE_EXCEEDED: 'DeadlineExceeded',
  NOT_FOUND: 'NotFound',
  ALREADY_EXISTS: 'AlreadyExists',
  PERMISSION_DENIED: 'PermissionDenied',
  RESOURCE_EXHAUSTED: 'ResourceExhausted',
  FAILED_PRECONDITION: 'FailedPrecondition',
  ABORTED: 'Aborted',
  OUT_OF_RANGE: 'OutOfRange',
  UNIMPLEMENTED: 'Unimplemented',
  INTERNAL: 'Internal',
  UNAVAILABLE: 'Unavailable',
  DATA_LOSS: 'DataLoss',
  UNAUTHENTICATED: 'Unauthenticated',
};
