/** Counters, gauges and histograms made from a table of metrics, bound once and then only added to; Prometheus text out. */
export { Counter, Gauge, Histogram } from './cells.ts';
export { type LabelsOf, type MetricsTable, Registry } from './registry.ts';
