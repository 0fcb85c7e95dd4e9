/** Floods of HTTP/1 and HTTP/2 against a proxy, with honest clients beside them and its memory watched. */
export { ATTACKS, type Attack, PEAK_GROWTH_MB_MAX, PROXY_MEMORY_BYTES, WAITING_GROWTH_MB_MAX } from './attacks.ts';
export type { Honest } from './honest.ts';
export { type FloodReport, HONEST_MS_MAX, REST_GROWTH_MB_MAX, runFlood } from './run.ts';
