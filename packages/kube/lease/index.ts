/** Leader election by a coordination.k8s.io Lease, as client-go does it: one writer at a time, others wait. */
export {
  type ElectionCallbacks,
  type ElectionDeps,
  type ElectionOptions,
  electLeader,
  type LeaderElection,
} from './lease.ts';
