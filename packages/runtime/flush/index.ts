/** Outputs that are written once an event-loop turn: what many had to say to one socket is one write. */
export { createFlusher, type Flushable, type Flusher } from './flush.ts';
