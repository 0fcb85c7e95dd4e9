import type { Fault } from '#model/faults';
import type { Deps } from '../deps.ts';
import type { DestinationUpdate, EndpointInfo } from '../discover/index.ts';
import { LIMITS } from '../limits.ts';
import type { Conn, TcpScope } from '../tcp/index.ts';
import type { BalancerWatch } from '../telemetry/index.ts';
import type { Discovered } from './backend.ts';
import { Balancer, type BalancerConfig, type Slot } from './balancer.ts';
import type { DialTargetConfig } from './dial-target.ts';
import { TcpEndpoint } from './endpoint.ts';

/** Someone who wants a connection to be passed through. */
export interface TcpAttempt {
  /** Through a gateway: for whom, by identity; the server is told. */
  readonly client?: string;
  connected(socket: Conn, scope: TcpScope, done: () => void): void;
  failed(fault: Fault): void;
}

export interface TcpBackend extends Discovered {
  readonly ready: boolean;
  readonly available: boolean;
  /** Returns a function that gives the attempt up. */
  connect(attempt: TcpAttempt): () => void;
}

/** A connection on its way, and later the one that is open. */
interface Pending {
  readonly attempt: TcpAttempt;
  tries: number;
  cancelled: boolean;
  cancelDial: (() => void) | undefined;
  slot: Slot<TcpEndpoint> | undefined;
}

/** Connections balanced over the endpoints of a destination; load is the number of open connections. */
export class TcpBalancer implements TcpBackend {
  readonly #balancer: Balancer<Pending, TcpEndpoint>;
  readonly #authority: string;
  readonly #deps: Deps;

  constructor(authority: string, config: BalancerConfig & DialTargetConfig, deps: Deps, watch: BalancerWatch) {
    this.#authority = authority;
    this.#deps = deps;
    this.#balancer = new Balancer(
      config,
      deps,
      {
        open: (info) => new TcpEndpoint(info, authority, config, deps),
        close: (endpoint) => endpoint.close(),
        probe: (endpoint, done) => endpoint.probe(done),
        send: (pending, slot) => this.#send(pending, slot),
        refuse: (pending, fault) => {
          if (!pending.cancelled) pending.attempt.failed(fault);
        },
      },
      watch,
    );
  }

  get ready(): boolean {
    return this.#balancer.readyCount > 0;
  }
  get available(): boolean {
    return this.#balancer.available;
  }

  connect(attempt: TcpAttempt): () => void {
    const pending: Pending = { attempt, tries: 0, cancelled: false, cancelDial: undefined, slot: undefined };
    this.#balancer.acquire(pending);
    return () => {
      pending.cancelled = true;
      if (this.#balancer.cancel(pending)) return;
      const { slot } = pending;
      pending.slot = undefined;
      pending.cancelDial?.();
      if (slot) this.#balancer.ended(slot, pending, false, 'none');
    };
  }

  update(update: DestinationUpdate, first: boolean): void {
    const refused = this.#balancer.update(update, first);
    if (refused > 0)
      this.#deps.log.warn('Too many endpoints', { authority: this.#authority, used: this.#balancer.size, refused });
  }

  stop(): void {
    this.#balancer.stop();
  }

  #send(pending: Pending, slot: Slot<TcpEndpoint>): void {
    const startMs = this.#deps.clock.nowMs();
    pending.slot = slot;
    pending.cancelDial = slot.endpoint.dial(pending.attempt.client, {
      connected: (socket) => {
        this.#balancer.answered(slot, this.#deps.clock.nowMs() - startMs);
        pending.slot = undefined;
        pending.attempt.connected(socket, slot.endpoint.scope, () =>
          this.#balancer.ended(slot, pending, true, 'success'),
        );
      },
      failed: (fault) => {
        pending.slot = undefined;
        this.#balancer.unreachable(slot, pending);
        if (++pending.tries >= LIMITS.connectAttemptsMax) pending.attempt.failed(fault);
        else this.#balancer.acquire(pending);
      },
    });
  }
}

/** Connections to one known address. */
export class TcpForward implements TcpBackend {
  readonly ready = true;
  readonly available = true;
  readonly #endpoint: TcpEndpoint;

  constructor(info: EndpointInfo, config: DialTargetConfig, deps: Deps) {
    this.#endpoint = new TcpEndpoint(info, undefined, config, deps);
  }

  connect(attempt: TcpAttempt): () => void {
    return this.#endpoint.dial(attempt.client, {
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
