/**
 * The machinery under every controller: caches fed by watches and by our own writes, a queue of keys that never runs one key
 * twice at once and backs off after failures, and a writer that carries out what a pure `reconcile` decided.
 */
export { type CacheReader, Caches, type Change, refOf, splitRef } from './cache.ts';
export { type Controller, type RunnerDeps, type Running, runController, type Trigger } from './controller.ts';
export { EventRecorder } from './events.ts';
export { type EventNote, NOTHING, type PatchWrite, type Plan, referenceTo, type Write } from './plan.ts';
export { WorkQueue } from './queue.ts';
