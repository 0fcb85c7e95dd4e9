/** Housekeeping: events grow old and go; ClusterRoles with an aggregation rule gather the rules of those they select. */
export { type AggregationObserved, aggregationController } from './aggregation.ts';
export { EVENT_TTL_MS, type EventObserved, eventTtlController } from './event-ttl.ts';
