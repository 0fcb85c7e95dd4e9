/** Live events of requests for those who may tap (`linkerd viz tap`): matching, events, and the port that serves them. */
export { TapPort } from './port.ts';
export { Taps } from './taps.ts';
