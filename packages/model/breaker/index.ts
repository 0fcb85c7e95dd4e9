/**
 * When an endpoint that keeps failing is shut out, and when one request may try whether it is back. Pure: time and chance are
 * arguments; who sends requests and sets timers asks it.
 */
export { Breaker, type BreakerConfig, type BreakerResult } from './breaker.ts';
export { SuccessWindow } from './window.ts';
