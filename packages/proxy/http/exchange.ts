import { FAULTS, Fault, type FaultCode } from '#model/faults';
import type { Clock } from '#runtime/clock';
import { editHead, Gather, type Http1Head } from '#wire/http1';
import { LIMITS } from '../limits.ts';
import type { SpliceEnd } from '../tcp/index.ts';
import type { Http1Client } from './client.ts';
import { type Drops, PROXY_CONNECTION } from './names.ts';
import { Outcome, type RequestScope } from './outcome.ts';
import { faultResponse } from './respond.ts';

/** Something that finds connections for requests: an application, a balancer, an endpoint. */
export interface Upstream {
  /** Calls `exchange.attach` or `exchange.unavailable`, now or later, once. An `attach` that gives false does not count. */
  acquire(exchange: Exchange): void;
  /** The exchange does not wait any longer. */
  cancel(exchange: Exchange): void;
  /** A connection was attached; what the endpoint counts may be added to `exchange.scopes`. */
  attached?(exchange: Exchange): void;
  /** The response head came; load balancers learn from it. */
  responded?(exchange: Exchange): void;
  /** What was attached is given up; it counted as in flight since then. */
  ended?(exchange: Exchange): void;
}

/** Decides about requests of one downstream connection. */
export interface Router {
  /**
   * Sets `exchange.upstream` (and `scope`, `extra`) or gives the fault that refuses the request. `head` is valid only during
   * the call.
   */
  route(exchange: Exchange, head: Http1Head): Fault | undefined;
}

/** What one direction of the proxy has in common for all its requests. */
export interface HttpSide {
  readonly request: Drops;
  readonly response: Drops;
  /** Consume `l5d-proxy-connection: close` of peers. */
  readonly obeyPeerClose: boolean;
  readonly inFlightMax: number;
  inFlight: number;
  /** Counts faults that the proxy answered itself. */
  failed(code: FaultCode): void;
}

/** Lines to take out of a head (lower-case names) and to put in (each with its CRLF). */
export interface HeadPatch {
  readonly removed: ReadonlySet<string>;
  readonly lines: readonly Buffer[];
}

/** The connection that requests come from. */
export interface Downstream {
  write(bytes: Buffer): boolean;
  /** Stops and restarts reading; several reasons may hold at once. */
  pause(reason: number): void;
  resume(reason: number): void;
  /** The exchange is over: take the next request, or end the connection. */
  exchangeDone(keepAlive: boolean): void;
  /** Breaks off: the response cannot be completed. */
  destroy(): void;
  /** From here on bytes go through unread. */
  tunnel(upstream: SpliceEnd, ended: () => void): void;
}

export const PAUSE_HELD = 1;
export const PAUSE_UPSTREAM = 2;
export const PAUSE_LEFTOVER = 4;

const CONNECTION_CLOSE: readonly Buffer[] = [Buffer.from('connection: close\r\n')];
const NOTHING: readonly Buffer[] = [];

/** Methods that may be sent twice (RFC 9110 section 9.2.2). */
const IDEMPOTENT = ['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'TRACE'];

/**
 * One request and its response on their way between two connections. A downstream HTTP/1 connection has one exchange, which
 * serves its requests one after the other. It keeps what was sent until the response begins, so that a request whose
 * connection failed can go to another endpoint.
 */
export class Exchange {
  readonly outcome = new Outcome();
  /** Set by the router, for this request. */
  upstream: Upstream | undefined;
  extra: readonly Buffer[] = NOTHING;
  /** Changes that a route asks for; set by the router, for this request. */
  requestPatch: HeadPatch | undefined;
  responsePatch: HeadPatch | undefined;
  /** Where the request passes: set by router and upstream; all are told how it ended. */
  readonly scopes: RequestScope[] = [];
  /** Say why in `l5d-proxy-error`. */
  explain = false;
  /** Connections tried for this request. */
  attempts = 0;
  /** Whatever the upstream wants to remember about this request. */
  ticket: unknown;
  /** When the current attempt got its connection; set by the upstream. */
  dispatchedMs = 0;
  open = false;
  noBody = false;
  /** The method is CONNECT. */
  tunnelAsked = false;
  /** The request may end in another protocol. */
  upgradeAsked = false;

  readonly #side: HttpSide;
  readonly #down: Downstream;
  readonly #clock: Clock;
  readonly #requestOut = new Gather();
  readonly #responseOut = new Gather();
  #client: Http1Client | undefined;
  #keepAlive = true;
  #minor: 0 | 1 = 1;
  #idempotent = false;
  #requestDone = false;
  #responseStarted = false;
  #acquiring = false;
  #attached = false;
  /** Scopes of the route; those behind them belong to the attempt. */
  #routeScopes = 0;
  #sent: Buffer[] = [];
  #sentBytes = 0;
  #replayable = true;

  constructor(side: HttpSide, down: Downstream, clock: Clock) {
    this.#side = side;
    this.#down = down;
    this.#clock = clock;
  }

  get requestDone(): boolean {
    return this.#requestDone;
  }

  /** The connection shall not take another request. */
  close(): void {
    this.#keepAlive = false;
  }

  // --- from downstream

  begin(head: Http1Head, router: Router): void {
    this.open = true;
    this.outcome.begin(this.#clock.nowMs());
    this.#keepAlive &&= head.keepAlive;
    this.#minor = head.minor;
    this.#requestDone = false;
    this.#responseStarted = false;
    this.#replayable = true;
    this.attempts = 0;
    this.noBody = head.methodIs('HEAD');
    this.tunnelAsked = head.methodIs('CONNECT');
    this.upgradeAsked = head.upgrade;
    this.#idempotent = IDEMPOTENT.some((method) => head.methodIs(method));
    this.#side.inFlight++;
    const fault = this.#side.inFlight > this.#side.inFlightMax ? new Fault('load-shed') : router.route(this, head);
    if (fault) {
      if (head.expectContinue || head.framing !== 'none') this.#keepAlive = false;
      this.fail(fault);
      return;
    }
    const drops = this.#side.request;
    const patch = this.requestPatch;
    const extra = patch ? [...patch.lines, ...this.extra] : this.extra;
    editHead(head, head.upgrade ? drops.upgrade : drops.usual, extra, this.#requestOut, patch?.removed);
    this.#routeScopes = this.scopes.length;
    for (let i = 0; i < this.scopes.length; i++) this.scopes[i]!.started();
    this.#acquire();
  }

  body(buf: Uint8Array, start: number, end: number): void {
    if (!this.open) return;
    for (let i = 0; i < this.scopes.length; i++) this.scopes[i]!.requestFrame(end - start);
    this.#requestOut.add(buf, start, end);
  }

  trailers(head: Http1Head): void {
    if (this.open) editHead(head, this.#side.request.usual, NOTHING, this.#requestOut);
  }

  requestEnd(): void {
    this.#requestDone = true;
  }

  /** Sends what was collected; call when the bytes at hand are used up. */
  flushRequest(): void {
    const length = this.#requestOut.length;
    if (length === 0) return;
    if (!this.open) {
      this.#requestOut.clear();
      return;
    }
    const bytes = this.#requestOut.take();
    if (this.#replayable) {
      if (this.#sentBytes + length > LIMITS.replayBytesMax && this.#client) this.#forget();
      else {
        this.#sent.push(bytes);
        this.#sentBytes += length;
        if (!this.#client && this.#sentBytes > LIMITS.replayBytesMax) this.#down.pause(PAUSE_HELD);
      }
    }
    if (this.#client && !this.#client.write(bytes)) this.#down.pause(PAUSE_UPSTREAM);
  }

  /** The client is gone, or sent bytes that are no request. */
  abort(code: FaultCode): void {
    if (!this.open) return;
    this.outcome.fault = code;
    this.#dropUpstream();
    this.#finish(false);
  }

  /** The client takes more again. */
  downstreamDrained(): void {
    this.#client?.resume();
  }

  // --- from upstream

  /** A connection was found: everything sent so far goes into it. False: the exchange is over, use it otherwise. */
  attach(client: Http1Client): boolean {
    if (!this.open) return false;
    this.#acquiring = false;
    this.#attached = true;
    this.#client = client;
    client.start(this);
    const before = this.scopes.length;
    this.upstream?.attached?.(this);
    for (let i = before; i < this.scopes.length; i++) this.scopes[i]!.started();
    for (let i = 0; i < this.#sent.length; i++) if (!client.write(this.#sent[i]!)) this.#down.pause(PAUSE_UPSTREAM);
    if (this.#sentBytes > LIMITS.replayBytesMax) this.#forget();
    this.#down.resume(PAUSE_HELD);
    return true;
  }

  /** No connection could be found. */
  unavailable(fault: Fault): void {
    this.#acquiring = false;
    if (this.open) this.fail(fault);
  }

  /** The attached connection broke. */
  lost(fault: Fault, reused: boolean): void {
    if (!this.open) return;
    const { retry } = FAULTS[fault.code];
    this.#client = undefined;
    if (this.#responseStarted) {
      this.outcome.fault = fault.code;
      this.#finish(false);
      this.#down.destroy();
    } else if (retry === 'if-reused' && reused && this.#replayable && this.#idempotent) {
      this.#endAttempt(fault.code);
      this.#acquire();
    } else this.fail(fault);
  }

  /** Answers in place of the server. */
  fail(fault: Fault): void {
    const { closes } = FAULTS[fault.code];
    const status = fault.status ?? FAULTS[fault.code].status;
    if (closes) this.#keepAlive = false;
    this.outcome.fault = fault.code;
    this.outcome.status = status;
    this.outcome.responseStartMs = this.#clock.nowMs();
    this.#side.failed(fault.code);
    this.#dropUpstream();
    const keep = this.#keepAlive && this.#minor === 1;
    this.#down.write(faultResponse(fault, !keep, this.explain));
    this.#finish(keep);
  }

  responseHead(head: Http1Head): void {
    const drops = this.#side.response;
    if (head.status < 200 && head.status !== 101) {
      // RFC 9110 section 15.2: never to a client of HTTP/1.0.
      if (this.#minor === 1) editHead(head, drops.usual, NOTHING, this.#responseOut);
      return;
    }
    this.#responseStarted = true;
    this.#forget();
    this.outcome.status = head.status;
    this.outcome.responseStartMs = this.#clock.nowMs();
    this.upstream?.responded?.(this);
    if (head.upgrade) {
      editHead(head, drops.upgrade, NOTHING, this.#responseOut);
      return;
    }
    this.#keepAlive &&= this.#minor === 1 && head.minor === 1 && head.framing !== 'until-close';
    if (this.#side.obeyPeerClose && peerCloses(head)) this.#keepAlive = false;
    const closing = this.#keepAlive ? NOTHING : CONNECTION_CLOSE;
    const patch = this.responsePatch;
    editHead(head, drops.usual, patch ? [...patch.lines, ...closing] : closing, this.#responseOut, patch?.removed);
  }

  responseBody(buf: Uint8Array, start: number, end: number): void {
    for (let i = 0; i < this.scopes.length; i++) this.scopes[i]!.responseFrame(end - start);
    this.#responseOut.add(buf, start, end);
  }

  responseTrailers(head: Http1Head): void {
    editHead(head, this.#side.response.usual, NOTHING, this.#responseOut);
  }

  flushResponse(): void {
    if (this.#responseOut.length > 0 && this.open && !this.#down.write(this.#responseOut.take())) this.#client?.pause();
  }

  /** The response is complete and flushed. A request that is still being sent is broken off. */
  responseEnd(): void {
    if (!this.open) return;
    const client = this.#client;
    this.#client = undefined;
    if (!this.#requestDone) {
      this.#keepAlive = false;
      client?.destroy();
    } else client?.release();
    this.#finish(this.#keepAlive);
  }

  /** The server agreed to another protocol; the end's first bytes came behind its head. */
  tunnel(upstream: SpliceEnd): void {
    this.flushResponse();
    this.#client = undefined;
    this.#down.tunnel(upstream, () => this.#finish(false));
  }

  /** The server takes more again. */
  upstreamDrained(): void {
    this.#down.resume(PAUSE_UPSTREAM);
  }

  #acquire(): void {
    this.#acquiring = true;
    this.attempts++;
    this.upstream!.acquire(this);
  }

  #dropUpstream(): void {
    if (this.#acquiring) this.upstream?.cancel(this);
    this.#acquiring = false;
    this.#client?.destroy();
    this.#client = undefined;
  }

  /** The endpoint has one request less in flight. */
  #leave(): void {
    if (this.#attached) this.upstream?.ended?.(this);
    this.#attached = false;
  }

  /** The attempt failed, the request goes on. */
  #endAttempt(code: FaultCode): void {
    this.outcome.fault = code;
    this.outcome.endMs = this.#clock.nowMs();
    for (let i = this.#routeScopes; i < this.scopes.length; i++) this.scopes[i]!.ended(this.outcome);
    this.scopes.length = this.#routeScopes;
    this.outcome.fault = undefined;
    this.#leave();
  }

  #forget(): void {
    this.#replayable = false;
    if (this.#sent.length > 0) this.#sent = [];
    this.#sentBytes = 0;
  }

  #finish(keepAlive: boolean): void {
    if (!this.open) return;
    this.open = false;
    this.#side.inFlight--;
    this.#forget();
    this.#responseOut.clear();
    this.outcome.endMs = this.#clock.nowMs();
    for (let i = 0; i < this.scopes.length; i++) this.scopes[i]!.ended(this.outcome);
    this.scopes.length = 0;
    this.#leave();
    this.upstream = undefined;
    this.ticket = undefined;
    this.requestPatch = undefined;
    this.responsePatch = undefined;
    this.extra = NOTHING;
    this.#down.exchangeDone(keepAlive);
  }
}

function peerCloses(head: Http1Head): boolean {
  for (let i = 0; i < head.fieldCount; i++)
    if (head.fieldId(i) === PROXY_CONNECTION && head.value(i).toLowerCase() === 'close') return true;
  return false;
}
