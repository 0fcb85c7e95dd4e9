/** Events kept for watches that resume and lists that continue; older revisions answer 410. Same order as kube's watch cache. */
export const EVENT_RING_SIZE = 10_000;

/** Writes between two prunings of the log; keeps the file at the live objects plus the ring and this many rows. */
export const WRITES_PER_COMPACTION = 2_000;
