/**
 * Which endpoint gets the next request: priority levels, zones with overflow by load, weights, and power of two choices over
 * peak-EWMA loads with a penalty for failures. Pure: time and randomness are arguments.
 */
export { Candidate, DISTANCES, type Locality, type Standing } from './candidate.ts';
export { type EwmaConfig, PeakEwma } from './ewma.ts';
export { EndpointPicker, type PickerOptions } from './picker.ts';
export { pickWeighted } from './weighted.ts';
export type { AdaptiveLoad, ZoneBand } from './zones.ts';
