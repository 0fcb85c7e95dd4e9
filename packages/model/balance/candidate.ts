import { type EwmaConfig, PeakEwma } from './ewma.ts';

/** How far an endpoint is, nearest first: in the proxy's zone, in a zone nobody knows, in another zone. */
export const DISTANCES = ['local', 'unknown', 'remote'] as const;
export type Locality = (typeof DISTANCES)[number];

/** Where an endpoint stands among the others. */
export interface Standing {
  /** Share of the load compared with the others of its level; 1 is usual, 0: only when nothing else is ready. */
  readonly weight: number;
  readonly locality: Locality;
  /** Whole number from 0, which is used first. */
  readonly priority: number;
}

/** Weights are counted in these parts of 1, as the control plane sends them; whole numbers keep sums exact. */
const WEIGHT_UNITS = 10_000;

/**
 * Load of an endpoint that was never measured and is busy: more than any measured one, so that it gets a single request until its
 * first sample.
 */
const UNMEASURED_BUSY = 1e12;

/** Added to response times, so that differences of this size count little: among fast endpoints the less busy one is better. */
const NEGLIGIBLE_MS = 5;

/** Something that a picker can pick. The fields below `inFlight` are the picker's own. */
export class Candidate {
  readonly ewma: PeakEwma;
  /** Requests or connections that it is busy with. */
  inFlight = 0;
  /** Those of them that wait for the beginning of their response. */
  waiting = 0;

  standing: Standing;
  units: number;
  ready = false;
  /** Ready for one request only, whose answer decides about more. */
  single = false;
  /** Among those that get requests now; not when it is kept back for its zone. */
  active = false;
  poolIndex = -1;
  ringIndex = -1;
  heapIndex = -1;
  /** Much slower than the others: `waiting` for its time to be tried again, or being `tried`. */
  outcast: 'no' | 'waiting' | 'tried' = 'no';
  /** When an outcast is tried again, and how long the wait is. */
  dueMs = 0;
  comebackMs = 0;
  lastOutcastMs = Number.NEGATIVE_INFINITY;

  constructor(standing: Standing, config: EwmaConfig, nowMs: number) {
    this.standing = standing;
    this.units = unitsOf(standing);
    this.ewma = new PeakEwma(config, nowMs);
  }

  /** Units of weight of an endpoint whose weight is usual among its peers: `meanUnits`. */
  load(meanUnits: number, nowMs: number): number {
    if (!this.ewma.measured) return this.inFlight * UNMEASURED_BUSY;
    return (NEGLIGIBLE_MS + this.ewma.estimateMs(nowMs)) * (1 + (this.inFlight * meanUnits) / this.units);
  }
}

/** At least 1: endpoints without weight share evenly what comes to them. */
export function unitsOf({ weight }: Standing): number {
  return Math.max(1, Math.round(weight * WEIGHT_UNITS));
}
