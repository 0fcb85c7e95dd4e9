/**
 * HTTP through the proxy, whatever version carries it: server ends that read requests, client ends with pooled connections, and
 * the exchange between them, which attempts, bounds, edits, and answers in place of a server that cannot.
 */
export { Connections, type ConnectionsOptions } from './connections.ts';
export type {
  ClientInfo,
  Downstream,
  RetryEvent,
  RetryPlan,
  SendAgain,
  Sender,
  Timeouts,
} from './contract.ts';
export {
  Exchange,
  type ExchangeObserver,
  type HttpSide,
  type Plan,
  type Router,
  type Upstream,
} from './exchange.ts';
export { Http1Client } from './h1-client.ts';
export { Http1Server, type Http1ServerOptions } from './h1-server.ts';
export { Http2Connections, type Http2ConnectionsOptions } from './h2-connections.ts';
export type { Http2KeepAlive } from './h2-link.ts';
export { Http2Server, type Http2ServerOptions } from './h2-server.ts';
export { type Http2Settings, http2ClientSettings, http2ServerSettings } from './h2-settings.ts';
export type { ResponseEdit } from './heads.ts';
export { fieldValue, ID, NAMES, STRIP, stripFields } from './names.ts';
export { goesAsHttp2 } from './orig-proto.ts';
export { Outcome, type RequestScope } from './outcome.ts';
export { faultGrpcStatus, faultHead, faultStatus } from './respond.ts';
export { createHttpShared, type HttpShared } from './shared.ts';
export { TurnClock } from './turn-clock.ts';
