/** One cluster as discovery sees it: records folded from watches, looked up by name and address, with listeners by topic. */
export { ClusterIndex, type IndexWarning, type Owner } from './cluster-index.ts';
export type { PodRecord, ServiceRecord, SliceEndpoint, SliceRecord, WorkloadRecord } from './records.ts';
export { RESOURCES, type Records } from './resources.ts';
