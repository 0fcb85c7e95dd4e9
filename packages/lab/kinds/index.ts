/**
 * The objects that controllers and scheduler read and write, most cut to the fields they use, and what can be said about one such
 * object without looking at others: is a pod ready, who owns it. Pure.
 */
export * from './conditions.ts';
export * from './gvrs.ts';
export * from './owners.ts';
export * from './pods.ts';
export * from './quantities.ts';
export * from './times.ts';
export type * from './types.ts';
