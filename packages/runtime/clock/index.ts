/** Time as a dependency: monotonic milliseconds, wall-clock time and timers, with a fake twin that tests wind by hand. */

export { FakeClock } from './clock.fake.ts';
export { afterHearing, type Clock, systemClock, type Timer } from './clock.ts';
