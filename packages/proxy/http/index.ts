/**
 * HTTP/1 through the proxy: a server side that reads requests, a client side with pooled connections, and the exchange between
 * them, which edits heads, passes bodies by reference and answers in place of a server that cannot.
 */
export { type ClientHost, Http1Client } from './client.ts';
export { Connections, type ConnectionsOptions } from './connections.ts';
export { type Downstream, Exchange, type HeadPatch, type HttpSide, type Router, type Upstream } from './exchange.ts';
export { DROPS, NAMES } from './names.ts';
export { Outcome, type RequestScope } from './outcome.ts';

export { faultResponse } from './respond.ts';
export { Http1Server, type ServerOptions } from './server.ts';
