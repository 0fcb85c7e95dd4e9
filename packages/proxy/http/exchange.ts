import { isGrpcContent } from '#model/classify';
import { FAULTS, Fault, type FaultCode } from '#model/faults';
import type { Clock, Timer } from '#runtime/clock';
import { formatAddr } from '#runtime/net';
import type { Random } from '#runtime/random';
import type { Field, RequestHead, ResponseHead } from '#wire/fields';
import type { HttpMatch } from '../discover/index.ts';
import { LIMITS } from '../limits.ts';
import type * as contract from './contract.ts';
import { closesPeer, copyHead, dropLength, grpcStatusOf, NO_REQUEST, type ResponseEdit } from './heads.ts';
import { Mirror } from './mirror.ts';
import { fieldValue, ID, stripFields } from './names.ts';
import { Outcome, type RequestScope } from './outcome.ts';
import { RequestBody } from './request-body.ts';
import { faultGrpcStatus, faultHead, faultStatus, faultTrailers } from './respond.ts';
import { Retries, takeBounds } from './retry.ts';
import type * as side from './side.ts';
import { ExchangeTimers } from './timers.ts';

export type Upstream = contract.Upstream<Exchange>;
export type Router = contract.Router<Exchange>;
export type Plan = contract.Plan<Exchange>;
export type ExchangeObserver = contract.ExchangeObserver<Exchange>;
export type HttpSide = side.HttpSide<Exchange>;

/** Error codes of RFC 9113 section 7 for what is broken off without one. */
const INTERNAL_ERROR = 2;
const CANCEL = 8;

/** Bounds on a tunnel of which one side has ended. */
const HALF_CLOSED: contract.Timeouts = { idleMs: LIMITS.halfClosedMs };

/** Methods that may be sent twice (RFC 9110 section 9.2.2). */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'TRACE']);

/**
 * One request and its response on their way, whatever versions of HTTP carry them. It asks the router for a plan, makes attempts
 * until one gives a response that may be passed on, and answers itself where none does. May be used for one request after the other.
 */
export class Exchange implements contract.RequestSink<Exchange>, contract.ResponseSink, contract.UpstreamSink {
  readonly outcome = new Outcome();
  /** Who asks; a router that knows better than the connection may change it for one request. */
  client: contract.ClientInfo;
  /** Say why in error responses. */
  readonly explain: boolean;
  /** As the current attempt sends it; filters may change it. */
  request: RequestHead = NO_REQUEST;
  /** How the request came to its route; set by the router. */
  match: HttpMatch | undefined;
  /** Set by the plan, for the current attempt. */
  upstream: Upstream | undefined;
  /** Changes that a route asks for; set by the plan, for the current attempt. */
  responseEdit: ResponseEdit | undefined;
  /** A route's filter wants the attempt to begin this much later; set by the plan. */
  delayMs = 0;
  /** Where copies of the request go; set by the plan. */
  mirrorTo: Upstream[] | undefined;
  /** Where the request passes: pushed by router, plan and upstream; all are told how it ended. */
  readonly scopes: RequestScope[] = [];
  /** Connections tried for this request. */
  attempts = 0;
  /** Whatever the upstream wants to remember about this request. */
  ticket: unknown;
  /** When the current attempt got its connection; set by the upstream. */
  dispatchedMs = 0;
  open = false;
  isGrpc = false;
  /** `l5d-require-id`: the identity that the client demands of the server. */
  requireId: string | undefined;

  readonly #side: HttpSide;
  readonly #down: contract.Downstream;
  readonly #body: RequestBody;
  #plan: Plan | undefined;
  #retries: Retries | undefined;
  #timers: ExchangeTimers | undefined;
  /** Before an attempt: a filter's delay or the wait between attempts. */
  #wait: Timer | undefined;
  /** A gRPC response's head, until it is known whether trailers follow at once. */
  #heldHead: ResponseHead | undefined;
  #authority = '';
  #responding = false;
  #responseDone = false;
  #acquiring = false;
  #attached = false;
  /** Scopes of the route; those behind them belong to the attempt. */
  #routeScopes = 0;
  /** Of those, scopes from here on belong to the endpoint that it was sent to. */
  #endpointScopes = 0;

  constructor(side: HttpSide, down: contract.Downstream, explain: boolean) {
    this.#side = side;
    this.#down = down;
    this.#body = new RequestBody(down);
    this.client = down.client;
    this.explain = explain;
  }

  /** The whole request has come. */
  get requestDone(): boolean {
    return this.#body.ended;
  }

  get random(): Random {
    return this.#side.random;
  }

  get clock(): Clock {
    return this.#side.clock;
  }

  /** What is kept of the request's body costs so many bytes, copies for mirrors among them. */
  get keptBytes(): number {
    return this.#body.keptBytes;
  }

  /** Gives up what is kept only for another try, which is not made then; how many bytes that was. */
  forgetKept(): number {
    return this.#body.forgetSpare();
  }

  /** Bytes pass unread. */
  get isTunnel(): boolean {
    return this.#body.isTunnel;
  }

  // --- from downstream

  begin(head: RequestHead, end: boolean, router: Router): void {
    const side = this.#side;
    this.open = true;
    this.outcome.begin(side.clock.nowMs());
    this.request = head;
    this.client = this.#down.client;
    this.attempts = 0;
    this.#body.begin(head, end);
    this.#responding = false;
    this.#responseDone = false;
    this.isGrpc = head.version === 20 && isGrpcContent(fieldValue(head.fields, ID.contentType));
    this.outcome.isGrpc = this.isGrpc;
    this.requireId = fieldValue(head.fields, ID.requireId);
    stripFields(head.fields, side.strip.request);
    // HTTP/1.0 and HTTP/2 may leave the host out; servers want one.
    if (head.authority === '') head.authority = formatAddr(this.client.dst.ip, this.client.dst.port);
    side.inFlight++;
    const { observers } = side;
    for (let i = 0; i < observers.length; i++) observers[i]!.begun?.(this);
    const plan = side.inFlight > side.inFlightMax ? new Fault('load-shed') : router.route(this);
    if (plan) this.decided(plan);
  }

  /** The router says what becomes of the request, once for each. */
  decided(plan: Plan | Fault): void {
    if (!this.open || this.#plan) return;
    this.#routeScopes = this.scopes.length;
    for (let i = 0; i < this.scopes.length; i++) this.scopes[i]!.started();
    if (plan instanceof Fault) {
      this.fail(plan);
      return;
    }
    this.#plan = plan;
    if (plan.retry || plan.timeouts || plan.allowsRequestHeaders) this.#bound(plan);
    this.#attempt();
  }

  data(buf: Uint8Array, start: number, end: number): void {
    if (!this.open) return;
    const length = end - start;
    this.outcome.requestBytes += length;
    this.#timers?.active();
    for (let i = 0; i < this.scopes.length; i++) this.scopes[i]!.requestFrame(length);
    this.#body.data(buf, start, end);
  }

  end(trailers: Field[] | undefined): void {
    if (!this.open || this.#body.ended) return;
    if (trailers) stripFields(trailers, this.#side.strip.request);
    if (this.#body.end(trailers)) this.#timers?.requestSent(this.#retries?.perTryMs);
    if (this.#responseDone) this.#complete();
    else if (this.#body.isTunnel) this.#halfClosed();
  }

  abort(code: FaultCode): void {
    if (!this.open) return;
    this.outcome.fault = code;
    this.outcome.resetCode = CANCEL;
    this.#dropUpstream();
    this.#finish();
  }

  downstreamStuck(): void {
    this.#body.sender?.pause();
  }

  downstreamDrained(): void {
    this.#body.sender?.resume();
  }

  // --- from upstream

  attach(sender: contract.Sender): boolean {
    if (!this.open || !this.#acquiring) return false;
    this.#acquiring = false;
    this.#attached = true;
    this.#body.sender = sender;
    const before = this.scopes.length;
    this.upstream?.attached?.(this);
    for (let i = before; i < this.scopes.length; i++) this.scopes[i]!.started();
    const { observers } = this.#side;
    for (let i = 0; i < observers.length; i++) observers[i]!.dispatched?.(this);
    if (this.#body.start(this.request) && this.#body.ended) this.#timers?.requestSent(this.#retries?.perTryMs);
    return true;
  }

  unavailable(fault: Fault): void {
    if (!this.open || !this.#acquiring) return;
    this.#acquiring = false;
    this.#attemptFailed(fault);
  }

  lost(fault: Fault, again: contract.SendAgain): void {
    if (!this.open) return;
    const isShared = this.#body.detach()?.version === 20;
    this.#heldHead = undefined;
    if (this.#responding) this.#breakOff(fault);
    else if (this.#canSendAgain(again, isShared)) {
      this.#endAttempt(fault.code, this.#endpointScopes);
      this.request.authority = this.#authority;
      this.#acquire();
    } else this.#attemptFailed(fault);
  }

  informational(head: ResponseHead): void {
    if (!this.open || this.#responding) return;
    stripFields(head.fields, this.#side.strip.response);
    dropLength(head);
    // RFC 9110 section 15.2: never to a client of HTTP/1.0.
    if (this.request.version > 10) this.#down.informational(head);
  }

  response(head: ResponseHead, end: boolean): void {
    if (!this.open) return;
    const { outcome } = this;
    outcome.status = head.status;
    outcome.responseStartMs = this.#side.clock.nowMs();
    if (this.isGrpc) outcome.grpcStatus = grpcStatusOf(head.fields);
    this.#timers?.headCame();
    this.upstream?.responded?.(this, head);
    if (this.#retries && head.status !== 101) {
      const possible = this.#canRetry(this.#retries);
      if (this.#retries.afterResponse(head.status, outcome.grpcStatus, possible)) {
        this.#leaveResponse(end);
        this.#retry();
        return;
      }
      if (this.isGrpc && !end && possible && outcome.grpcStatus < 0) {
        this.#heldHead = head;
        return;
      }
    }
    this.#respond(head, end);
  }

  responseData(buf: Uint8Array, start: number, end: number): void {
    if (!this.open) return;
    this.#releaseHead();
    const length = end - start;
    this.outcome.responseBytes += length;
    this.#timers?.active();
    for (let i = 0; i < this.scopes.length; i++) this.scopes[i]!.responseFrame(length);
    if (!this.#down.data(buf, start, end)) this.#body.sender?.pause();
  }

  responseEnd(trailers: Field[] | undefined): void {
    if (!this.open) return;
    if (this.isGrpc && trailers) this.outcome.grpcStatus = grpcStatusOf(trailers);
    if (this.#heldHead && this.#retries) {
      const { status, grpcStatus } = this.outcome;
      if (this.#retries.afterResponse(status, grpcStatus, this.#canRetry(this.#retries))) {
        this.#heldHead = undefined;
        this.#leaveResponse(true);
        this.#retry();
        return;
      }
    }
    this.#releaseHead();
    if (trailers) stripFields(trailers, this.#side.strip.response);
    this.outcome.trailers = trailers;
    this.#down.end(trailers);
    this.#responseDone = true;
    if (!this.#body.isTunnel || this.#body.ended) this.#complete();
    else this.#halfClosed();
  }

  upstreamStuck(): void {
    if (this.open) this.#body.stuck();
  }

  upstreamDrained(): void {
    this.#body.drained();
  }

  /** Answers in place of the server, or breaks off where an answer has begun. */
  fail(fault: Fault): void {
    if (!this.open) return;
    const isReset = fault.http2Code !== undefined && this.request.version === 20;
    if (this.#responding || isReset) {
      this.#breakOff(fault);
      return;
    }
    const { version } = this.request;
    // What is left of the request would have to be read to keep the connection of HTTP/1.
    const closes = FAULTS[fault.code].closes || (this.#down.version < 20 && !this.#body.ended);
    const { outcome, isGrpc, explain } = this;
    this.#side.failed(fault.code);
    this.#dropUpstream();
    // Connections of proxies are shared by all their clients: a server that fails would cost each of them a handshake a request.
    const isProxy = this.client.identity !== undefined;
    const shared = isProxy && this.#down.version === 20 && FAULTS[fault.code].side === 'upstream';
    if (closes && !shared) this.#down.closeConnection();
    const head = faultHead(fault, { version, isGrpc, explain, closes });
    outcome.fault = fault.code;
    outcome.status = head.status;
    outcome.grpcStatus = isGrpc ? faultGrpcStatus(fault) : -1;
    outcome.responseStartMs = this.#side.clock.nowMs();
    this.#tellResponded(head);
    this.#down.respond(head, true);
    this.#finish();
  }

  // --- attempts

  #bound(plan: Plan): void {
    const { retry, timeouts } = plan.allowsRequestHeaders ? takeBounds(plan, this.request.fields) : plan;
    if (retry) {
      this.#retries = new Retries(retry, this.request, plan.retried?.bind(plan));
      this.#body.keepUpTo(retry.bytesMax);
    }
    if (timeouts || retry?.perTryMs !== undefined)
      this.#timers = new ExchangeTimers(this.#side.clock, timeouts ?? {}, (code) => this.#timedOut(code));
  }

  #attempt(): void {
    if (this.#retries) this.request = copyHead(this.#retries.original);
    this.responseEdit = undefined;
    this.delayMs = 0;
    const before = this.scopes.length;
    const fault = this.#plan!.dispatch(this);
    for (let i = before; i < this.scopes.length; i++) this.scopes[i]!.started();
    this.#endpointScopes = this.scopes.length;
    if (fault) {
      this.#attemptFailed(fault);
      return;
    }
    this.#authority = this.request.authority;
    if (this.mirrorTo) this.#mirror(this.mirrorTo);
    const delayMs = Math.min(this.delayMs, LIMITS.delayMsMax);
    if (delayMs > 0) this.#wait = this.#side.clock.after(delayMs, () => this.#acquire());
    else this.#acquire();
  }

  #acquire(): void {
    this.#acquiring = true;
    this.attempts++;
    this.upstream!.acquire(this);
  }

  /** `isShared`: other requests use the connection that broke, so that the next one is a reused one again. */
  #canSendAgain(again: contract.SendAgain, isShared: boolean): boolean {
    if (again === 'never' || !this.#body.isRepeatable) return false;
    if ((again === 'always' || isShared) && this.attempts >= LIMITS.connectAttemptsMax) return false;
    return again === 'always' || IDEMPOTENT.has(this.request.method);
  }

  #canRetry(retries: Retries): boolean {
    return this.#body.isWholeWithin(retries.plan.bytesMax);
  }

  #attemptFailed(fault: Fault): void {
    const retries = this.#retries;
    if (retries?.afterFault(fault, this.isGrpc, this.#canRetry(retries))) {
      this.outcome.fault = fault.code;
      this.#dropUpstream();
      this.#retry();
    } else this.fail(fault);
  }

  /** The next attempt, granted already; nothing of the last one is under way any more. */
  #retry(): void {
    this.#endAttempt(this.outcome.fault, this.#routeScopes);
    this.outcome.retries++;
    this.attempts = 0;
    const delayMs = this.#retries!.delayMs(this.#side.random());
    if (delayMs > 0) this.#wait = this.#side.clock.after(delayMs, () => this.#attempt());
    else this.#attempt();
  }

  /** Counts an attempt that is not the last, in the scopes from `first` on. */
  #endAttempt(fault: FaultCode | undefined, first: number): void {
    const { outcome } = this;
    outcome.fault = fault;
    outcome.endMs = this.#side.clock.nowMs();
    for (let i = first; i < this.scopes.length; i++) this.scopes[i]!.ended(outcome);
    this.scopes.length = first;
    this.#leave();
    outcome.beginAttempt();
    this.#timers?.attemptEnded();
    this.#body.drained();
  }

  /** Nobody wants the response that has begun; `end`: it is over already. */
  #leaveResponse(end: boolean): void {
    const sender = this.#body.detach();
    if (!sender) return;
    if (end) sender.release();
    else if (sender.discard) sender.discard();
    else sender.cancel();
  }

  #timedOut(code: FaultCode): void {
    if (!this.open) return;
    const fault = new Fault(code);
    if (code !== 'response-headers-timeout' || this.#responding) {
      this.fail(fault);
      return;
    }
    this.#body.detach()?.cancel();
    this.#heldHead = undefined;
    this.#attemptFailed(fault);
  }

  #mirror(targets: readonly Upstream[]): void {
    this.mirrorTo = undefined;
    // Only the first attempt is copied: a retry is no further request. Nor is what may become a tunnel, which nobody would end.
    const { method, upgrade } = this.request;
    if (this.#body.isMirrored || this.outcome.retries > 0 || method === 'CONNECT' || upgrade !== '') return;
    const mirrors = targets.map((target) => new Mirror(this.#side, this.client, target));
    this.#body.mirror(mirrors, () => copyHead(this.request));
  }

  // --- the response

  #releaseHead(): void {
    const head = this.#heldHead;
    this.#heldHead = undefined;
    if (head) this.#respond(head, false);
  }

  #respond(head: ResponseHead, end: boolean): void {
    this.#responding = true;
    this.#timers?.responseBegan();
    const isConnect = this.request.method === 'CONNECT';
    const switches = head.status === 101 || (isConnect && head.status >= 200 && head.status < 300);
    const { obeyPeerClose, strip } = this.#side;
    if (obeyPeerClose && closesPeer(head.fields)) this.#down.closeConnection();
    stripFields(head.fields, strip.response);
    if (switches || head.status === 204) dropLength(head);
    this.responseEdit?.apply(head);
    this.#tellResponded(head);
    this.#down.respond(head, end && !switches);
    if (switches) {
      this.#openTunnel();
      if (end) this.responseEnd(undefined);
      return;
    }
    this.#body.forget();
    if (!end) return;
    this.#responseDone = true;
    this.#complete();
  }

  #tellResponded(head: ResponseHead): void {
    const { observers } = this.#side;
    for (let i = 0; i < observers.length; i++) observers[i]!.responded?.(this, head);
  }

  /** The server agreed: bytes pass both ways, and each side ends for itself. */
  #openTunnel(): void {
    // The request is answered: what follows takes as long as it takes.
    this.#timers?.cancel();
    this.#timers = undefined;
    // A request of HTTP/1 ended where its head did; its connection has not.
    this.#body.openTunnel(this.request.version < 20);
    if (this.#body.ended) this.#halfClosed();
  }

  /** One side of the tunnel has said its end: the other may go on, but not stand still for ever. */
  #halfClosed(): void {
    this.#timers ??= new ExchangeTimers(this.#side.clock, HALF_CLOSED, (code) => this.#timedOut(code));
  }

  /** The response is complete. A request that is still being sent is broken off. */
  #complete(): void {
    const sender = this.#body.detach();
    if (this.#body.ended) sender?.release();
    else sender?.cancel();
    this.#finish();
  }

  /** The response cannot be completed; a gRPC client is told by trailers, others by a reset. */
  #breakOff(fault: Fault): void {
    const { outcome } = this;
    outcome.fault = fault.code;
    this.#dropUpstream();
    if (this.isGrpc && this.#responding && !this.#body.isTunnel) {
      outcome.grpcStatus = faultGrpcStatus(fault);
      outcome.trailers = faultTrailers(fault, this.explain);
      this.#down.end(outcome.trailers);
    } else {
      outcome.resetCode = fault.http2Code ?? (faultStatus(fault) === 504 ? CANCEL : INTERNAL_ERROR);
      this.#down.reset(outcome.resetCode);
    }
    this.#finish();
  }

  // --- the end

  #dropUpstream(): void {
    this.#wait?.cancel();
    if (this.#acquiring) this.upstream?.cancel(this);
    this.#acquiring = false;
    this.#body.detach()?.cancel();
  }

  /** The endpoint has one request less in flight. */
  #leave(): void {
    if (this.#attached) this.upstream?.ended?.(this);
    this.#attached = false;
  }

  #finish(): void {
    if (!this.open) return;
    this.open = false;
    const { outcome } = this;
    const side = this.#side;
    side.inFlight--;
    this.#body.finish();
    outcome.endMs = side.clock.nowMs();
    if (this.#timers || this.#retries || this.#wait) this.#endExtras();
    for (let i = 0; i < this.scopes.length; i++) this.scopes[i]!.ended(outcome);
    this.scopes.length = 0;
    this.#leave();
    for (let i = 0; i < side.observers.length; i++) side.observers[i]!.ended?.(this);
    this.upstream = undefined;
    this.ticket = undefined;
    this.match = undefined;
    this.responseEdit = undefined;
    this.mirrorTo = undefined;
    this.#heldHead = undefined;
    this.#plan = undefined;
    this.#down.done();
  }

  #endExtras(): void {
    this.#wait?.cancel();
    this.#wait = undefined;
    this.#timers?.cancel();
    this.#timers = undefined;
    this.#retries?.ended();
    this.#retries = undefined;
  }
}
