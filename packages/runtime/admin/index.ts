/**
 * A small HTTP server, of both versions, for health, metrics and switches, over sockets of any kind (so that it can sit behind TLS). Bodies of
 * requests are short; answers are made whole.
 */
export type { AdminRequest, AdminResponse } from './message.ts';
export { type AdminHandler, AdminServer, type ServeOptions } from './server.ts';
