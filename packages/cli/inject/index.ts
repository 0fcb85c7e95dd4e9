/** Marking manifests for injection, and unmarking: pure functions from objects to objects and a report. */
export { annotationFlags, INJECT_FLAGS, type InjectFlag } from './flags.ts';
export { type InjectOptions, type InjectReport, type InjectResult, injectAll, uninjectAll } from './inject.ts';
export type { ManualOptions } from './manual.ts';
