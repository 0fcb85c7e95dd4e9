/**
 * EndpointSlices for workloads outside the cluster: for each Service that selects ExternalWorkloads, one replica of the destination
 * service keeps slices of them, beside those that Kubernetes keeps of the Service's pods.
 */
export { WorkloadSlices, type WorkloadSlicesConfig, type WorkloadSlicesDeps, WRITE_LEASE } from './controller.ts';
