/**
 * Assigns pods to nodes: filters (cordon, taints, node selector and affinity, host ports, resources, spread, pod affinity), then
 * scores, then a binding; what finds no node is told in PodScheduled and FailedScheduling. No preemption.
 */
export { reconcilePod, SCHEDULER_NAME, type SchedulingObserved, schedulerController } from './controller.ts';
export { fitsNode } from './node-affinity.ts';
export { type Decision, schedule } from './schedule.ts';
export type { NodeInfo, Snapshot } from './snapshot.ts';
export { tolerates, untolerated } from './taints.ts';
