/** Largest request body; kube's limit for one object, answered with 413 beyond. */
export const BODY_BYTES_MAX = 3 * 1024 * 1024;

/** All annotations of one object together, as kube checks them. */
export const ANNOTATION_BYTES_MAX = 256 * 1024;

/** Attempts of a write that carries no resourceVersion while others write the same object. */
export const WRITE_ATTEMPTS_MAX = 20;

/** Attempts to find a free name for `generateName`. */
export const NAME_ATTEMPTS_MAX = 8;

/** How long a list or watch waits for a revision that is not reached yet, before 504. */
export const FUTURE_REVISION_WAIT_MS = 3_000;

/** Watches end by themselves after a random time in this range when the client names no timeout, as in kube. */
export const WATCH_TIMEOUT_MIN_MS = 30 * 60_000;
export const WATCH_TIMEOUT_MAX_MS = 60 * 60_000;

/** Pause between two bookmarks of one watch. */
export const BOOKMARK_INTERVAL_MS = 60_000;

/** A watch whose client leaves this many bytes unread is ended; the client starts over. */
export const WATCH_BUFFER_BYTES_MAX = 16 * 1024 * 1024;

/** Requests and watches that one HTTP/2 connection may hold open. */
export const STREAMS_MAX = 1_000;

/** Events older than this are dropped. */
export const EVENT_TTL_MS = 60 * 60_000;

/** Least pause between two sweeps of old events; sweeps ride on the creation of events. */
export const EVENT_SWEEP_INTERVAL_MS = 60_000;

/** As {@link WATCH_BUFFER_BYTES_MAX}, for a log stream. */
export const LOG_BUFFER_BYTES_MAX = 16 * 1024 * 1024;

/** Unsent bytes of one HTTP/2 connection, all streams together; beyond it the runtime refuses streams (ENHANCE_YOUR_CALM). */
export const SESSION_MEMORY_MB_MAX = 512;

/** Pause between two looks at whether aggregated servers answer; kube looks as often. */
export const AGGREGATION_CHECK_INTERVAL_MS = 30_000;

/** How long such a look may take. */
export const AGGREGATION_CHECK_TIMEOUT_MS = 5_000;
