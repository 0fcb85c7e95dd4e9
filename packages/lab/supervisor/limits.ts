/** Bounds of the lab's supervisor. */
export const LIMITS = {
  /** Clusters of one lab: their networks are numbered by one byte of three address ranges. */
  clustersMax: 8,
  nodesMax: 16,
  /** Free disk that a lab needs before it starts. */
  diskFreeBytesMin: 200 * 1024 * 1024,
  /** Part of the machine's memory that all processes of a lab may use together, where the host has a memory cgroup. */
  memoryPart: 0.8,
  pidsMax: 16_384,
  /** A cluster that is not ready after this time will not be. */
  clusterReadyTimeoutMs: 120_000,
  rootReadyTimeoutMs: 15_000,
  /** `lab down` asks, then kills. */
  downTimeoutMs: 15_000,
  /** Pauses before a crashed cluster process starts again. */
  restartFirstMs: 500,
  restartCapMs: 30_000,
  /** Connection attempts from a relay to an API server. */
  relayDialTimeoutMs: 5_000,
  relayConnectionsMax: 1024,
  /** Log files of the lab's own processes start anew beyond this size, checked this often. */
  logBytesMax: 8 * 1024 * 1024,
  logCheckMs: 60_000,
} as const;
