/** Inbound policy: what a workload's ports accept, and from whom. */
export { measureInbound } from './measure.ts';
export {
  acceptedRateLimit,
  judgeRateLimit,
  type RateLimitRecord,
  type RateLimitVerdict,
  readRateLimit,
} from './rate-limits.ts';
export { type InboundDeps, serveInbound } from './serve.ts';
export type { InboundConfig } from './server.ts';
export type { ServerRecord } from './servers.ts';
export { InboundView } from './view.ts';
