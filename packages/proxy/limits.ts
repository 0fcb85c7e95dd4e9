/** Bounds of the proxy beside those that the environment sets, with their reasons. */
export const LIMITS = {
  /** Request bytes kept so that another endpoint can be tried; Linkerd replays bodies up to 64 KiB. */
  replayBytesMax: 64 * 1024,
  /** Bytes that one output gathers in an event-loop turn before it writes: four TLS records, so that large bodies keep flowing. */
  gatheredBytesMax: 64 * 1024,
  /** Connections tried for one request or connection before it fails. */
  connectAttemptsMax: 5,
  /** After a closing error response: how long the rest of the request is read and thrown away, so that the client sees it. */
  lingerMs: 1_000,
  /** Connections accepted before the first certificate that wait for it. */
  acceptWaitingMax: 1_024,
  /** Bytes read for telling the protocol before the connection is refused or treated as opaque. */
  detectBytesMax: 16 * 1024,
  /** Original destinations cached; the least recently used idle one goes first. */
  discoveryEntriesMax: 4_096,
  /** Port policies watched at once. */
  portPoliciesMax: 1_024,
  /** Balancers alive at once. */
  balancersMax: 4_096,
  /** Endpoints of one balancer. */
  endpointsMax: 20_000,
  /** How long a connection waits for profile and policy of its destination. */
  discoveryWaitMs: 10_000,
  /** Metric series; a proxy of a busy pod has a few thousand. */
  seriesMax: 50_000,
  /** Time for the TLS handshake of an accepted connection. */
  handshakeMs: 10_000,
  /** TLS detection on the admin port. */
  adminDetectMs: 1_000,
  /** How often idle pooled connections are looked through. */
  poolSweepMs: 1_000,
  /** Waits for the first certificate while the identity controller cannot be reached: pods start together. */
  certifyRetryMsMin: 100,
  certifyRetryMsMax: 1_000,
  /** Streams of the control plane are tried at least this often, whatever the connection's backoff allows. */
  streamBackoffMsMax: 5_000,
  /** Answers of DNS are used at least this long. */
  dnsTtlMsMin: 1_000,
  /** And at most this long when the resolver gives no lifetime. */
  dnsTtlMsDefault: 30_000,
} as const;
