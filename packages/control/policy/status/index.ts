/**
 * Statuses of routes, EgressNetworks and rate limits: what they should be is computed from what is known of the cluster; one elected
 * replica writes those that are not.
 */
export { CONTROLLER_NAME } from './routes.ts';
export { STATUS_RESOURCES, type StatusView, type WantedStatus, wantedStatuses } from './wanted.ts';
export { StatusWriter, type StatusWriterConfig, type StatusWriterDeps, WRITE_LEASE } from './writer.ts';
