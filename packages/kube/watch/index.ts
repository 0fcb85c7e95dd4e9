/** List+watch as a fold: full set first, then changes; survives every kind of interruption without losing one. */
export { type Reflector, startReflector, type WatchSource, type WatchStream } from './reflector.ts';
