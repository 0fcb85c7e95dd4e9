/** The proxy's own HTTP port 4191: liveness, readiness, metrics, log level, environment, shutdown; behind mesh TLS or plain. */

export { AdminPort } from './port.ts';
export { collectProcess } from './process.ts';
export { type AdminState, adminRoutes } from './routes.ts';
