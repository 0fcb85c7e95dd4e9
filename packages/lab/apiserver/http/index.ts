/** The API server's HTTPS side: reading requests, telling users apart, and answering in the shape that each client accepts. */
export { Authentication, type AuthenticationDeps } from './authentication.ts';
export type { Call } from './call.ts';
export { Documents, GIT_VERSION } from './documents.ts';
export {
  asReply,
  asRequest,
  headerOf,
  readBody,
  type ServerReply,
  type ServerRequest,
  sendHead,
  sendStatus,
} from './exchange.ts';
export { answerLog } from './logs.ts';
export { Metrics } from './metrics.ts';
export { type Detour, Pipeline, type PipelineDeps, type StreamHandler } from './pipeline.ts';
export { answerProxy } from './proxying.ts';
export { userInfoOf } from './reviews.ts';
export { type ApiListener, createServer, listen } from './server.ts';
export { needsUpgrade, serveUpgrade } from './upgrades.ts';
