/** Bounds of the kubelet. */
export const LIMITS = {
  /** Longest pause between attempts to start a container that cannot be started at all. */
  restartBackoffCapMs: 300_000,
  /** Pause between attempts to set up a sandbox or volumes; doubles up to the cap. */
  setupRetryFirstMs: 500,
  setupRetryCapMs: 30_000,
  /** Pods a node admits. */
  podsPerNodeMax: 110,
  /** Containers of one node that are being started at once. */
  startsAtOnceMax: 4,
  /** One log file; when it is full, it becomes the single older part. */
  logFileBytesMax: 10 * 1024 * 1024,
  /** A line longer than this is split, as container runtimes do. */
  logLineBytesMax: 16 * 1024,
  /** Instances of a container whose logs are kept: the running one and the one before. */
  logInstancesKept: 2,
  /** Termination messages, per container, and what falls back to the log. */
  terminationMessageBytesMax: 4096,
  terminationLogTailBytesMax: 2048,
  terminationLogTailLinesMax: 80,
  /** Setting up a container's filesystem takes milliseconds; a loaded machine may need seconds. */
  startTimeoutMs: 30_000,
  /** postStart hooks wait for other parts of a pod, e.g. two minutes for a proxy. */
  postStartTimeoutMs: 600_000,
  /** Output of a probe or hook that is kept for its event. */
  hookOutputBytesMax: 4096,
  /** A probe reads this much of an HTTP answer. */
  probeBodyBytesMax: 10 * 1024,
  /** After preStop, a container has at least this long for its TERM, as in the kubelet. */
  graceAfterPreStopMs: 2_000,
  /**
   * A pod that is deleted stays this long, however fast its containers end. Kubelets take a second and more, and clients count on it:
   * kubectl waits for ever when it sees a pod of the same name, as StatefulSets make, and never that the old one went.
   */
  nameRestMs: 300,
  /** Node status and lease are renewed this often. */
  heartbeatMs: 30_000,
  /** Whether the node has a network is looked at this often: a folder is read. */
  readinessCheckMs: 5_000,
  leaseRenewMs: 10_000,
  leaseDurationSeconds: 40,
  /** Tokens are renewed at this part of their life, checked this often. */
  tokenRenewAt: 0.8,
  tokenCheckMs: 30_000,
  /** Projected volumes follow their sources after this pause, so that a burst of changes is one update. */
  volumeRefreshMs: 100,
  /** A port-forward's connection inside the pod. */
  forwardDialTimeoutMs: 5_000,
  /** A network plug-in may talk to the API server before it answers; what it prints is a small JSON object. */
  pluginTimeoutMs: 60_000,
  pluginOutputBytesMax: 256 * 1024,
  /** Output that is still under way when a program has ended. */
  outputDrainMs: 1_000,
} as const;
