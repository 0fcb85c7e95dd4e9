/**
 * The CNI repair controller: pods whose network validator found that the CNI plug-in came too late are deleted, so that their
 * owners make them anew.
 */
export { runCniRepair } from './main.ts';
export { createRepair, isUnmeshed, type RepairDeps } from './repair.ts';
