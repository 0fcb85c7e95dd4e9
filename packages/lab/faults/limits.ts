/** Bounds of faults on demand. */
export const LIMITS = {
  /** A delay longer than this is a partition in all but name. */
  delayMsMax: 60_000,
  /** Packets that wait in one direction of a delayed pair of clusters; further ones are lost, as in a full router. */
  packetsWaitingMax: 20_000,
  /** Largest packet: what an interface of the lab carries, and what a header can say at most. */
  packetBytesMax: 65_535,
  /** Packets that the kernel holds for the delay line while that is at work. */
  deviceQueuePackets: 5_000,
  /** A fault that ends by itself does so within a day. */
  durationMsMax: 24 * 3_600_000,
  /** Another command may be changing the faults of the lab; so long it is waited for. */
  lockWaitMs: 15_000,
  lockPollMs: 50,
  /** The delay line is a small process, but it starts on a busy machine. */
  delayLineReadyMs: 30_000,
} as const;
