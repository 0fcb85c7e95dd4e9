/**
 * The lab's object store: one revision counter for all resources, an append-only log, the present state indexed in memory,
 * and a ring of recent events for watches and for lists at a past revision. Kept in SQLite, or in memory only.
 */

export { EVENT_RING_SIZE } from './limits.ts';
export { type LogEntry, memoryLog, type RevisionLog, sqliteLog } from './log.ts';
export {
  CompactedError,
  FutureRevisionError,
  KeyExistsError,
  type ObjectKey,
  RevisionConflictError,
  Store,
  type StoreEvent,
  type StoreEventType,
} from './store.ts';
export { deepFreeze, StoredObject } from './stored-object.ts';
