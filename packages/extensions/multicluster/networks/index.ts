/** Networks of pods: united, compared, and what is said of a linked cluster whose pods have the addresses of others. Pure. */
export { type NamedNetworks, networksFinding } from './finding.ts';
export { overlaps, uniteNetworks } from './ranges.ts';
