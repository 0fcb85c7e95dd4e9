/**
 * Local rate limits of a port: how many requests a second it takes in all, from each client identity, and from identities with a
 * limit of their own. Pure: time is an argument.
 */
export { GcraBucket } from './gcra.ts';
export { RATE_LIMIT_IDENTITIES_MAX, RateLimiter, type RateLimits, type RateVerdict } from './limiter.ts';
