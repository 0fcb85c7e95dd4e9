/**
 * Completion for shells: scripts that ask this program itself (`__complete WORDS… PART`) what may follow, and the answers:
 * verbs, flags, their choices, and names from the cluster.
 */
export { type CompletionDeps, candidatesFor } from './candidates.ts';
export { clusterNames, type NamesOf } from './cluster.ts';
export { completionScript, SHELLS, type Shell } from './scripts.ts';
