import type { EwmaConfig } from '#model/balance';
import type { Fault } from '#model/faults';
import type { Deps } from '../deps.ts';
import type { DestinationUpdate, EndpointInfo } from '../discover/index.ts';
import type { Exchange, Upstream } from '../http/index.ts';
import { LIMITS } from '../limits.ts';
import type { Conn, TcpScope } from '../tcp/index.ts';
import { Balancer, type BalancerConfig, type BalancerUser, type Slot } from './balancer.ts';
import { type EndpointConfig, HttpEndpoint, TcpEndpoint } from './endpoint.ts';

type Events = NonNullable<BalancerUser<unknown, unknown>['changed']>;

/** What backends are told of discovery. */
export interface Discovered {
  update(update: DestinationUpdate, first: boolean): void;
  stop(): void;
}

/** Requests balanced over the endpoints of a destination. */
export class HttpBalancer implements Upstream, Discovered {
  readonly balancer: Balancer<Exchange, HttpEndpoint>;
  readonly #deps: Deps;

  constructor(authority: string, config: BalancerConfig & EndpointConfig, deps: Deps, changed: Events) {
    this.#deps = deps;
    this.balancer = new Balancer(config, deps, {
      open: (info) =>
        new HttpEndpoint(info, authority, config, deps, (exchange, fault) => this.#failed(exchange, fault)),
      close: (endpoint) => endpoint.close(),
      probe: (endpoint, done) => endpoint.probe(done),
      send: (exchange, slot) => {
        exchange.ticket = slot;
        slot.endpoint.connections.acquire(exchange);
      },
      refuse: (exchange, fault) => exchange.unavailable(fault),
      changed,
    });
  }

  get available(): boolean {
    return this.balancer.available;
  }

  acquire(exchange: Exchange): void {
    this.balancer.acquire(exchange);
  }

  cancel(exchange: Exchange): void {
    if (this.balancer.cancel(exchange)) return;
    const slot = slotOf<HttpEndpoint>(exchange.ticket);
    if (!slot) return;
    slot.inFlight--;
    slot.endpoint.connections.cancel(exchange);
  }

  attached(exchange: Exchange): void {
    // Load is how long the endpoint takes to answer, not how long it took to connect.
    exchange.dispatchedMs = this.#deps.clock.nowMs();
    const slot = slotOf<HttpEndpoint>(exchange.ticket);
    if (slot) exchange.scopes.push(slot.endpoint.scope);
  }

  responded(exchange: Exchange): void {
    const slot = slotOf<HttpEndpoint>(exchange.ticket);
    const nowMs = exchange.outcome.responseStartMs;
    const { status } = exchange.outcome;
    if (status === 429 || status >= 500) slot?.ewma.observeFailure(nowMs - exchange.dispatchedMs, nowMs);
    else slot?.ewma.observe(nowMs - exchange.dispatchedMs, nowMs);
  }

  ended(exchange: Exchange): void {
    const slot = slotOf<HttpEndpoint>(exchange.ticket);
    if (slot) slot.inFlight--;
  }

  update(update: DestinationUpdate, first: boolean): void {
    this.balancer.update(update, first);
  }

  stop(): void {
    this.balancer.stop();
  }

  /** A connection could not be opened, so nothing was sent: another endpoint may take the request. */
  #failed(exchange: Exchange, fault: Fault): void {
    const slot = slotOf<HttpEndpoint>(exchange.ticket);
    if (slot) {
      slot.inFlight--;
      this.balancer.unreachable(slot);
    }
    exchange.ticket = undefined;
    if (++exchange.attempts > LIMITS.connectAttemptsMax) exchange.unavailable(fault);
    else this.balancer.acquire(exchange);
  }
}

/** Requests to one known address: nothing to choose, failures go straight back. */
export class HttpForward implements Upstream, Discovered {
  readonly available = true;
  readonly #endpoint: HttpEndpoint;

  constructor(info: EndpointInfo, config: EndpointConfig, deps: Deps) {
    this.#endpoint = new HttpEndpoint(info, undefined, config, deps, (exchange, fault) => exchange.unavailable(fault));
  }

  acquire(exchange: Exchange): void {
    this.#endpoint.connections.acquire(exchange);
  }

  cancel(exchange: Exchange): void {
    this.#endpoint.connections.cancel(exchange);
  }

  attached(exchange: Exchange): void {
    exchange.scopes.push(this.#endpoint.scope);
  }

  update(): void {
    // One address, known from the start.
  }

  stop(): void {
    this.#endpoint.close();
  }
}

/** Someone who wants a connection to be passed through. */
export interface TcpAttempt {
  connected(socket: Conn, scope: TcpScope, done: () => void): void;
  failed(fault: Fault): void;
}

export interface TcpBackend extends Discovered {
  readonly available: boolean;
  /** Returns a function that gives the attempt up. */
  connect(attempt: TcpAttempt): () => void;
}

interface Pending {
  readonly attempt: TcpAttempt;
  tries: number;
  cancelled: boolean;
  cancelDial: (() => void) | undefined;
  slot: Slot<TcpEndpoint> | undefined;
}

/** Connections balanced over the endpoints of a destination; load is the number of open connections. */
export class TcpBalancer implements TcpBackend {
  readonly balancer: Balancer<Pending, TcpEndpoint>;
  readonly #deps: Deps;

  constructor(authority: string, config: BalancerConfig & EndpointConfig, deps: Deps, changed: Events) {
    this.#deps = deps;
    this.balancer = new Balancer(config, deps, {
      open: (info) => new TcpEndpoint(info, authority, config, deps),
      close: (endpoint) => endpoint.close(),
      probe: (endpoint, done) => endpoint.probe(done),
      send: (pending, slot) => this.#send(pending, slot),
      refuse: (pending, fault) => {
        if (!pending.cancelled) pending.attempt.failed(fault);
      },
      changed,
    });
  }

  get available(): boolean {
    return this.balancer.available;
  }

  connect(attempt: TcpAttempt): () => void {
    const pending: Pending = { attempt, tries: 0, cancelled: false, cancelDial: undefined, slot: undefined };
    this.balancer.acquire(pending);
    return () => {
      pending.cancelled = true;
      if (this.balancer.cancel(pending)) return;
      pending.cancelDial?.();
      if (pending.slot) pending.slot.inFlight--;
      pending.slot = undefined;
    };
  }

  update(update: DestinationUpdate, first: boolean): void {
    this.balancer.update(update, first);
  }

  stop(): void {
    this.balancer.stop();
  }

  #send(pending: Pending, slot: Slot<TcpEndpoint>): void {
    const startMs = this.#deps.clock.nowMs();
    pending.slot = slot;
    pending.cancelDial = slot.endpoint.dial({
      connected: (socket) => {
        const nowMs = this.#deps.clock.nowMs();
        slot.ewma.observe(nowMs - startMs, nowMs);
        pending.slot = undefined;
        pending.attempt.connected(socket, slot.endpoint.scope, () => {
          slot.inFlight--;
        });
      },
      failed: (fault) => {
        slot.inFlight--;
        pending.slot = undefined;
        this.balancer.unreachable(slot);
        if (++pending.tries >= LIMITS.connectAttemptsMax) pending.attempt.failed(fault);
        else this.balancer.acquire(pending);
      },
    });
  }
}

/** Connections to one known address. */
export class TcpForward implements TcpBackend {
  readonly available = true;
  readonly #endpoint: TcpEndpoint;

  constructor(info: EndpointInfo, config: EndpointConfig, deps: Deps) {
    this.#endpoint = new TcpEndpoint(info, undefined, config, deps);
  }

  connect(attempt: TcpAttempt): () => void {
    return this.#endpoint.dial({
      connected: (socket) => attempt.connected(socket, this.#endpoint.scope, () => undefined),
      failed: (fault) => attempt.failed(fault),
    });
  }

  update(): void {
    // One address, known from the start.
  }

  stop(): void {
    this.#endpoint.close();
  }
}

/** Load estimates for connections that carry no requests. */
export const EWMA_DEFAULT: EwmaConfig = { defaultRttMs: 30, decayMs: 10_000 };

function slotOf<E>(ticket: unknown): Slot<E> | undefined {
  return ticket as Slot<E> | undefined;
}
