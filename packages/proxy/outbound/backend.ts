import type { BreakerResult } from '#model/breaker';
import { isFailure, isOverload, isPenalized } from '#model/classify';
import { FAULTS, type Fault, type FaultCode } from '#model/faults';
import type { ResponseHead } from '#wire/fields';
import type { Deps } from '../deps.ts';
import type { DestinationUpdate, EndpointInfo } from '../discover/index.ts';
import { type Exchange, fieldValue, NAMES, type Outcome, type Upstream } from '../http/index.ts';
import { LIMITS } from '../limits.ts';
import type { BalancerWatch } from '../telemetry/index.ts';
import { Balancer, type BalancerConfig, type Slot } from './balancer.ts';
import { type EndpointConfig, HttpEndpoint } from './endpoint.ts';

/** What backends are told of discovery. */
export interface Discovered {
  update(update: DestinationUpdate, first: boolean): void;
  /** Sets the metrics that are read rather than kept. */
  collect?(): void;
  stop(): void;
}

/** A backend of requests; ready: one could be sent now; available: it would at least be queued. */
export interface HttpBackend extends Upstream, Discovered {
  readonly ready: boolean;
  readonly available: boolean;
}

/** `dispatchedMs` of an exchange whose response began. */
const ANSWERED = -1;

/** Faults that say something about the endpoint, not about one request. */
const UNREACHABLE: ReadonlySet<FaultCode> = new Set([
  'connect-refused',
  'connect-timeout',
  'identity-mismatch',
  'tls-handshake',
]);

const RETRY_AFTER = NAMES.idOf('retry-after');
const RETRY_PUSHBACK = NAMES.idOf('grpc-retry-pushback-ms');

export interface HttpBalancerOptions {
  /** The logical destination; undefined: a bare address. */
  readonly authority: string | undefined;
  readonly config: BalancerConfig & EndpointConfig;
  readonly deps: Deps;
  readonly watch?: BalancerWatch | undefined;
  /** The only endpoint, known from the start. */
  readonly forward?: EndpointInfo;
}

/**
 * Requests balanced over the endpoints of a destination. A single known endpoint has no other to go to: requests of HTTP/1 that it
 * refuses fail at once, as in Linkerd, while those that share a connection wait for it.
 */
export class HttpBalancer implements HttpBackend {
  readonly #balancer: Balancer<Exchange, HttpEndpoint>;
  readonly #authority: string | undefined;
  readonly #penalizes: boolean;
  readonly #single: boolean;
  readonly #deps: Deps;

  constructor({ authority, config, deps, watch, forward }: HttpBalancerOptions) {
    this.#authority = authority;
    this.#penalizes = config.ewma.penaltyMs !== undefined;
    this.#single = forward !== undefined;
    this.#deps = deps;
    this.#balancer = new Balancer(
      config,
      deps,
      {
        open: (info) =>
          new HttpEndpoint(info, authority, config, deps, (exchange, fault) => this.#failed(exchange, fault)),
        close: (endpoint) => endpoint.close(),
        probe: (endpoint, done) => endpoint.probe(done),
        send: (exchange, slot) => this.#send(exchange, slot),
        refuse: (exchange, fault) => exchange.unavailable(fault),
      },
      watch,
    );
    if (forward) this.#balancer.update({ kind: 'add', endpoints: [forward] }, true);
  }

  get ready(): boolean {
    return this.#balancer.readyCount > 0;
  }
  get available(): boolean {
    return this.#balancer.available;
  }

  acquire(exchange: Exchange): void {
    exchange.ticket = undefined;
    this.#balancer.acquire(exchange);
  }

  cancel(exchange: Exchange): void {
    const slot = slotOf(exchange);
    if (!slot) {
      this.#balancer.cancel(exchange);
      return;
    }
    exchange.ticket = undefined;
    slot.endpoint.cancel(exchange);
    this.#balancer.ended(slot, exchange, false, 'none');
  }

  attached(exchange: Exchange): void {
    // Load is how long the endpoint takes to answer, not how long it took to connect.
    exchange.dispatchedMs = this.#deps.clock.nowMs();
    slotOf(exchange)?.endpoint.attached(exchange);
  }

  responded(exchange: Exchange, head: ResponseHead): void {
    const slot = slotOf(exchange);
    if (!slot) return;
    const { responseStartMs, grpcStatus } = exchange.outcome;
    const rttMs = responseStartMs - exchange.dispatchedMs;
    exchange.dispatchedMs = ANSWERED;
    if (this.#penalizes && isPenalized(head.status, grpcStatus))
      this.#balancer.failed(slot, rttMs, retryAfterMs(head, this.#deps.clock.wallMs()));
    else this.#balancer.answered(slot, rttMs);
  }

  ended(exchange: Exchange): void {
    const slot = slotOf(exchange);
    if (!slot) return;
    exchange.ticket = undefined;
    const answered = exchange.dispatchedMs === ANSWERED;
    const silentMs = answered ? 0 : this.#deps.clock.nowMs() - exchange.dispatchedMs;
    this.#balancer.ended(slot, exchange, answered, breakerResult(exchange.outcome), silentMs);
  }

  update(update: DestinationUpdate, first: boolean): void {
    const refused = this.#balancer.update(update, first);
    if (refused > 0)
      this.#deps.log.warn('Too many endpoints', {
        authority: this.#authority ?? '',
        used: this.#balancer.size,
        refused,
      });
  }

  collect(): void {
    this.#balancer.collect();
  }

  stop(): void {
    this.#balancer.stop();
  }

  #send(exchange: Exchange, slot: Slot<HttpEndpoint>): void {
    const { endpoint } = slot;
    const refusal = endpoint.refuses(exchange);
    if (refusal) {
      this.#balancer.ended(slot, exchange, false, 'none');
      exchange.unavailable(refusal);
      return;
    }
    exchange.ticket = slot;
    endpoint.acquire(exchange);
  }

  /** A connection could not be opened, so nothing was sent: another endpoint may take the request. */
  #failed(exchange: Exchange, fault: Fault): void {
    const slot = slotOf(exchange);
    exchange.ticket = undefined;
    const unreachable = UNREACHABLE.has(fault.code) && !(this.#single && !slot?.endpoint.multiplexes(exchange));
    if (slot && unreachable) this.#balancer.unreachable(slot, exchange);
    else if (slot) this.#balancer.ended(slot, exchange, false, 'none');
    const again = unreachable || fault.code === 'stream-goaway';
    if (!again || ++exchange.attempts > LIMITS.connectAttemptsMax) exchange.unavailable(fault);
    else this.#balancer.acquire(exchange);
  }
}

/** How a breaker sees a request that ended: by its response, or as a failure where the endpoint gave none in time. */
export function breakerResult({ fault, status, grpcStatus, isGrpc, classes }: Outcome): BreakerResult {
  if (fault !== undefined) {
    const { side, label } = FAULTS[fault];
    return side === 'upstream' || label === 'response timeout' ? 'failure' : 'none';
  }
  const failed = classes ? classes.isFailure(status, grpcStatus, isGrpc) : isFailure(status, grpcStatus, isGrpc);
  if (failed) return 'failure';
  return isOverload(status, grpcStatus) ? 'overload' : 'success';
}

/** What a failed response asks for: milliseconds of `grpc-retry-pushback-ms`, seconds or a date of `retry-after`; 0: nothing. */
export function retryAfterMs(head: ResponseHead, wallMs: number): number {
  const pushback = fieldValue(head.fields, RETRY_PUSHBACK);
  if (pushback !== undefined) return /^\d{1,10}$/.test(pushback) ? Number(pushback) : 0;
  const after = fieldValue(head.fields, RETRY_AFTER);
  if (after === undefined) return 0;
  if (/^\d{1,10}$/.test(after)) return Number(after) * 1000;
  const dateMs = Date.parse(after);
  return Number.isNaN(dateMs) ? 0 : Math.max(0, dateMs - wallMs);
}

function slotOf(exchange: Exchange): Slot<HttpEndpoint> | undefined {
  return exchange.ticket as Slot<HttpEndpoint> | undefined;
}
