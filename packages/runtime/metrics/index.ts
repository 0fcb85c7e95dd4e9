/** Counters, gauges and histograms made from a table of metrics, bound once and then only added to; Prometheus text out. */
export { Counter, Gauge, Histogram } from './cells.ts';
export { FOLDED } from './family.ts';
export { Registry, type RegistryLimits } from './registry.ts';
export { type ParsedFamily, parseMetrics, type Sample } from './strict.fake.ts';
export type { LabelsOf, MetricsTable, NamesOf } from './table.ts';
export { CONTENT_TYPES, type TextFormat } from './text.ts';
