/** One cluster as discovery sees it: records folded from watches, looked up by name and address, with listeners by topic. */
export { ClusterIndex, type Owner } from './cluster-index.ts';
export type { ProfileRecord, ProfileSpec, RequestCondition, ResponseCondition } from './profile-record.ts';
export type { PodRecord, ServiceRecord, SliceEndpoint, SliceRecord, WorkloadRecord } from './records.ts';
export type { Records } from './resources.ts';
