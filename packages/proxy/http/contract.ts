/**
 * How the parts of HTTP in the proxy meet. A *downstream* (an HTTP/1 connection or an HTTP/2 stream of a client) begins an
 * exchange; its router makes a plan; for each attempt the plan names an upstream, which finds a connection and attaches a
 * *sender* (an HTTP/1 connection or an HTTP/2 stream to a server). Heads are in the form common to all versions; bodies are runs of
 * bytes without framing. Everything is synchronous calls; nothing here is a promise.
 */
import type { Fault, FaultCode } from '#model/faults';
import type { Field, HttpVersion, RequestHead, ResponseHead } from '#wire/fields';
import type { TlsLabels } from '../telemetry/index.ts';

/** Who sent a request, as far as the connection tells. */
export interface ClientInfo {
  readonly ip: string;
  readonly port: number;
  /** Original destination of its connection. */
  readonly dst: { readonly ip: string; readonly port: number };
  /** From the verified certificate. */
  readonly identity: string | undefined;
  readonly tls: TlsLabels;
}

/** Where a request comes from and its response goes to. */
export interface Downstream {
  readonly version: HttpVersion;
  readonly client: ClientInfo;
  /** Status below 200 but 101. */
  informational(head: ResponseHead): void;
  /** `end`: no body. With status 101, or 2xx to CONNECT: from here on bytes pass unread, as data. */
  respond(head: ResponseHead, end: boolean): void;
  /** False: no more until `exchange.downstreamDrained()`. */
  data(buf: Uint8Array, start: number, end: number): boolean;
  /** End of the response, with or without trailers. */
  end(trailers: readonly Field[] | undefined): void;
  /** Breaks off: the response cannot be completed. `http2Code` where the version has codes. */
  reset(http2Code: number): void;
  /** Stops and restarts the request's body; several reasons may hold at once. */
  pause(reason: number): void;
  resume(reason: number): void;
  /** No further request on this connection: HTTP/1 closes after the response, HTTP/2 says GOAWAY. */
  closeConnection(): void;
  /** The exchange is over on both sides. */
  done(): void;
}

/** One request on its way to a server; made by whoever owns the connection. */
export interface Sender {
  readonly version: HttpVersion;
  /** The connection served others before: its break may be an idle time-out of the server. */
  readonly reused: boolean;
  head(head: RequestHead, end: boolean): void;
  /** False: no more until `exchange.upstreamDrained()`. */
  data(buf: Uint8Array, start: number, end: number): boolean;
  end(trailers: readonly Field[] | undefined): void;
  /** Stops and restarts the response's body. */
  pause(): void;
  resume(): void;
  /** The response is complete: the connection may serve others. */
  release(): void;
  /** Gives the request up; nothing more is reported. */
  cancel(): void;
  /** The response has begun and nobody wants it: as `cancel`, but a short rest is read so that the connection stays of use. */
  discard?(): void;
}

/** What a downstream end tells of its request. */
export interface RequestSink<E> {
  /**
   * A request begins; the head, its list of fields too, belongs to the exchange from now on. `end`: no body follows. A request
   * that may become a tunnel (`upgrade`, CONNECT) of HTTP/1 ends here; its bytes come as `data` once `respond` said so.
   */
  begin(head: RequestHead, end: boolean, router: Router<E>): void;
  data(buf: Uint8Array, start: number, end: number): void;
  end(trailers: Field[] | undefined): void;
  /** The client is gone (`client-gone`), or broke the protocol in the middle of its request. */
  abort(code: FaultCode): void;
  /** The client takes no more of the response, which `data` had no chance to say. */
  downstreamStuck(): void;
  /** The client takes more of the response again. */
  downstreamDrained(): void;
}

/** May a request whose connection broke be sent again: as far as the sender knows of it. */
export type SendAgain =
  /** The server may have acted on it. */
  | 'never'
  /** A reused connection that ended before anything of the response came: harmless for idempotent methods. */
  | 'if-idempotent'
  /** The server surely did not act on it (REFUSED_STREAM, or beyond the last stream of GOAWAY). */
  | 'always';

/** What a sender tells of the response; nothing after `responseEnd` or `lost`. */
export interface ResponseSink {
  /** Status below 200 but 101. */
  informational(head: ResponseHead): void;
  /** The final head (or 101), which belongs to the exchange from now on. `end`: no body follows. */
  response(head: ResponseHead, end: boolean): void;
  responseData(buf: Uint8Array, start: number, end: number): void;
  responseEnd(trailers: Field[] | undefined): void;
  /** The sender's request is over before its time; also told when the server resets a stream. */
  lost(fault: Fault, again: SendAgain): void;
  /** The server takes no more of the request, which `data` had no chance to say. */
  upstreamStuck(): void;
  /** The server takes more of the request again. */
  upstreamDrained(): void;
}

/** What those who find connections tell. */
export interface UpstreamSink {
  /** A connection was found. False: nobody waits for it any more, use it otherwise. */
  attach(sender: Sender): boolean;
  /** No connection could be found. */
  unavailable(fault: Fault): void;
}

/** Something that finds connections for requests: an application, a balancer, an endpoint. */
export interface Upstream<E> {
  /** Calls `exchange.attach(sender)` or `exchange.unavailable(fault)`, now or later, once. An `attach` that gives false does not count. */
  acquire(exchange: E): void;
  /** The exchange does not wait any longer. */
  cancel(exchange: E): void;
  /** A sender was attached; what the endpoint counts may be added to `exchange.scopes`. */
  attached?(exchange: E): void;
  /** The response head came; load balancers and breakers learn from it. */
  responded?(exchange: E, head: ResponseHead): void;
  /** What was attached is given up or complete (`exchange.outcome` tells how); it counted as in flight since then. */
  ended?(exchange: E): void;
}

/** Bounds on the time of a request, in milliseconds; absent: none. Source: Linkerd proxy, timeouts of policy routes. */
export interface Timeouts {
  /** The whole exchange, all attempts, to the end of the response body. */
  readonly requestMs?: number;
  /** From the flushed request (or the response head) to the end of the response. */
  readonly responseMs?: number;
  /** Without a frame either way. */
  readonly idleMs?: number;
  /** To the response head, all attempts (profile routes). */
  readonly headMs?: number;
}

/** When and how a request is tried again; undefined conditions never hold. */
export interface RetryPlan {
  readonly limit: number;
  /** Bodies larger than this are sent once. */
  readonly bytesMax: number;
  /** To the response head, from the flushed request; not applied to the last attempt. */
  readonly perTryMs: number | undefined;
  readonly backoff: { readonly minMs: number; readonly maxMs: number; readonly jitter: number } | undefined;
  /** Asked when a head came (`grpcStatus` -1 while unknown) and again with trailers that end a response without body. */
  retryable(status: number, grpcStatus: number): boolean;
  /** Whether a retry may be spent now; absent: always. Called once a retry. */
  withdraw?(): boolean;
  /** Told of each request that ended, so that a budget fills. */
  deposit?(): void;
}

/** `retry` issued, `success` a retry that ended acceptable, `limit` gave up, `overflow` no backend ready or no budget. */
export type RetryEvent = 'retry' | 'success' | 'limit' | 'overflow';

/** What a route does with its requests; shared by all of them. */
export interface Plan<E> {
  readonly timeouts: Timeouts | undefined;
  readonly retry: RetryPlan | undefined;
  /** The route allows `l5d-retry-*` and `l5d-*timeout` request headers; they are read and removed. */
  readonly allowsRequestHeaders: boolean;
  /** Counts retries, also those that only request headers ask for. */
  retried?(what: RetryEvent): void;
  /**
   * Called for each attempt: runs filters on `exchange.request` (a copy that this attempt owns), sets `exchange.upstream`,
   * pushes the scopes of the attempt, or gives the fault that answers in place of a server.
   */
  dispatch(exchange: E): Fault | undefined;
}

/** Decides about requests of one downstream connection; may push the route's scopes. */
export interface Router<E> {
  /**
   * Undefined: the router has to wait for something and calls `exchange.decided` later, unless a scope that it pushed was told
   * before that the exchange has ended.
   */
  route(exchange: E): Plan<E> | Fault | undefined;
}

/** Watches exchanges of one direction without taking part: tracing, access log, tap. */
export interface ExchangeObserver<E> {
  /** The head is known, nothing is decided; may change `exchange.request.fields`. */
  begun?(exchange: E): void;
  /** An attempt got a connection. */
  dispatched?(exchange: E): void;
  /** A final response head goes to the client (the proxy's own answers too). */
  responded?(exchange: E, head: ResponseHead): void;
  ended?(exchange: E): void;
}

/** Fault that a reset of HTTP/2 amounts to, and the reverse, are tables next to this contract. */
export type { Fault, FaultCode };
