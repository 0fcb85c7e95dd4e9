import type { Clock } from '#runtime/clock';
import { createFlusher, type Flusher } from '#runtime/flush';
import { FieldCache } from '#wire/fields';
import { HeadWatch } from './head-watch.ts';
import { NAMES } from './names.ts';

/** What all connections of a process that carry HTTP share. */
export interface HttpShared {
  readonly flusher: Flusher;
  /** Header fields by their bytes; knows the names in `NAMES`. */
  readonly fields: FieldCache;
  readonly heads: HeadWatch;
}

/** `clock`: for what connections wait for; `flusher`: what ends an event-loop turn. */
export function createHttpShared(clock: Clock, flusher: Flusher = createFlusher()): HttpShared {
  return { flusher, fields: new FieldCache(NAMES), heads: new HeadWatch(clock) };
}
