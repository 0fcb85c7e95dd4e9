/**
 * Faults on demand between the clusters of a lab: partition and loss by rules of the kernel, delay by a process that packets travel
 * through (few kernels bring netem, nearly all bring TUN). Here is what they are and what they turn into; the supervisor applies it.
 */
export { type Cidr, type DelayedPair, DelayLine } from './delay-line.ts';
export {
  current,
  describeTrouble,
  type Fault,
  healed,
  pairsOf,
  type Territory,
  type Trouble,
  withTrouble,
} from './fault.ts';
export { LIMITS } from './limits.ts';
export { DELAY_DEVICES, DELAY_MARK, DELAY_ROUTES, delayedPairs, faultScript } from './rules.ts';
export { type DelayLineConfig, runDelayLine } from './run-delay-line.ts';
