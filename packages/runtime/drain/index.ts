/** Ending in order: what is open is told to finish, and after a grace period it is cut. */
export { Drain, type Drainable } from './drain.ts';
