/**
 * Which endpoint gets the next request: power of two choices over peak-EWMA loads, with a penalty for failures. Pure: time and
 * randomness are arguments. Weights of the control plane are not used, as in Linkerd.
 */
export { type EwmaConfig, PeakEwma } from './ewma.ts';
export { type Loaded, pickLeastLoaded, pickWeighted } from './p2c.ts';
