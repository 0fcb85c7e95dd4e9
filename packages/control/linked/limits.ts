import type { AnswerBudget } from '#kube/guard';

const MIB = 1024 * 1024;

/**
 * What one linked cluster may cost a process. What exceeds it is not looked at: what was known stands, and is stale after a while. The
 * numbers of objects are those up to which Kubernetes itself is tested, where it is.
 */
export const LINKED_BUDGET: AnswerBudget = {
  /** 500 objects of 16 KiB; where they are larger, pages are smaller. So many resources are listed at once that memory counts. */
  answerBytesMax: 8 * MIB,
  /** etcd takes 1.5 MiB; JSON may be larger than what is stored. */
  objectBytesMax: 4 * MIB,
  /** A slow server; a list of 50,000 pods takes a tenth of it. */
  listMsMax: 300_000,
  objectsMax: { services: 10_000, endpointslices: 20_000, pods: 50_000 },
  /** ReplicaSets outlive their pods, ten to a Deployment; next to nothing is kept of each. */
  objectsMaxElse: 100_000,
  /** Of 10,000 services with 50,000 pods, about 40 MiB. */
  keptBytesMax: 64 * MIB,
  /** A rollout of everything at once, and then as much as one core does beside its work. */
  eventsBurst: 20_000,
  eventsPerSecond: 500,
};
