/**
 * Several meshed pods without a Kubernetes, for scenarios of the data plane: real namespaces, rules and proxy processes, and a
 * control plane in the test's process whose answers the test writes in a few words and changes while proxies watch.
 */
export * from '../messages/index.ts';
export { INBOUND_PORT, type Pod, type PodOptions, readAll } from './pods.ts';
export { type InUse, usePods } from './use.ts';
export { type SeenSpan, World } from './world.ts';
