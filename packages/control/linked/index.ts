/**
 * Clusters of others, as every process looks at them that has their credentials: a client that bounds what they cost and refuses what is no
 * answer, and names for what is wrong with them, with what was expected and what to do.
 */
export { connectLinked, type LinkedObserver } from './connect.ts';
export { FAULTS, type Fault, type FaultName, faultMessage, faultOf } from './faults.ts';
export { LINKED_BUDGET } from './limits.ts';
export { faultMetrics } from './metrics.ts';
