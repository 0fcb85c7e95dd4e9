/** ClusterRoles with an aggregation rule gather the rules of those they select. */
export { type AggregationObserved, aggregationController } from './aggregation.ts';
