import { type EwmaConfig, type Loaded, PeakEwma, pickLeastLoaded } from '#model/balance';
import { Fault } from '#model/faults';
import type { Clock, Timer } from '#runtime/clock';
import type { Random } from '#runtime/random';
import { Backoff, type BackoffConfig, type DestinationUpdate, type EndpointInfo } from '../discover/index.ts';
import { LIMITS } from '../limits.ts';

export interface BalancerConfig {
  readonly ewma: EwmaConfig;
  /** How long requests wait for an endpoint before all of them fail. */
  readonly failfastMs: number;
  readonly queueMax: number;
  /** Waits before an endpoint that refused a connection is tried again. */
  readonly backoff: BackoffConfig;
}

export interface BalancerDeps {
  readonly clock: Clock;
  readonly random: Random;
}

/** What a balancer is told to do with its endpoints and with those who wait for one. */
export interface BalancerUser<W, E> {
  /** Makes what is needed to use an endpoint. */
  open(info: EndpointInfo): E;
  /** The endpoint has gone; what is in use may finish. */
  close(endpoint: E): void;
  /** Opens a connection to see whether the endpoint is back; calls back once. */
  probe(endpoint: E, done: (ok: boolean) => void): void;
  send(waiter: W, slot: Slot<E>): void;
  refuse(waiter: W, fault: Fault): void;
  /** Something that metrics show has changed. */
  changed?(event: 'reset' | 'add' | 'remove' | 'ready' | 'pending' | 'queued' | 'open' | 'shut'): void;
}

/** One endpoint in a balancer. */
export class Slot<E> implements Loaded {
  readonly info: EndpointInfo;
  readonly endpoint: E;
  readonly ewma: PeakEwma;
  readonly backoff: Backoff;
  /** Requests or connections that it is busy with. */
  inFlight = 0;
  ready = true;
  gone = false;
  retry: Timer | undefined;

  constructor(info: EndpointInfo, endpoint: E, ewma: PeakEwma, backoff: Backoff) {
    this.info = info;
    this.endpoint = endpoint;
    this.ewma = ewma;
    this.backoff = backoff;
  }

  load(nowMs: number): number {
    return this.ewma.load(this.inFlight, nowMs);
  }
}

/**
 * Endpoints of one destination, and those who wait for one. Two random ready endpoints are compared by load. One that refused a
 * connection is left out until a connection to it succeeds. With none ready, waiters queue; after the fail-fast time all of
 * them are refused, and new ones at once, until an endpoint is ready again.
 */
export class Balancer<W, E> {
  readonly #config: BalancerConfig;
  readonly #deps: BalancerDeps;
  readonly #user: BalancerUser<W, E>;
  readonly #slots = new Map<string, Slot<E>>();
  #ready: Slot<E>[] = [];
  #queue: W[] = [];
  #failfast: Timer | undefined;
  #shut = false;
  #stopped = false;

  constructor(config: BalancerConfig, deps: BalancerDeps, user: BalancerUser<W, E>) {
    this.#config = config;
    this.#deps = deps;
    this.#user = user;
  }

  get size(): number {
    return this.#slots.size;
  }
  get readyCount(): number {
    return this.#ready.length;
  }
  get queueLength(): number {
    return this.#queue.length;
  }
  /** Whether a new request would at least be queued. */
  get available(): boolean {
    return !this.#shut;
  }

  /** Gives the waiter to an endpoint, now or when one is ready. */
  acquire(waiter: W): void {
    const slot = pickLeastLoaded(this.#ready, this.#deps.random, this.#deps.clock.nowMs());
    if (slot) {
      slot.inFlight++;
      this.#user.send(waiter, slot);
    } else this.#enqueue(waiter);
  }

  /** True: the waiter was in the queue and is not any more. */
  cancel(waiter: W): boolean {
    const index = this.#queue.indexOf(waiter);
    if (index >= 0) this.#queue.splice(index, 1);
    return index >= 0;
  }

  /** The endpoint could not be reached: leave it out for a while. */
  unreachable(slot: Slot<E>): void {
    if (slot.gone || !slot.ready) return;
    slot.ready = false;
    this.#ready = this.#ready.filter((other) => other !== slot);
    this.#user.changed?.('pending');
    this.#retryLater(slot);
  }

  /** Applies what discovery said; `first`: the message replaces everything known. */
  update(update: DestinationUpdate, first: boolean): void {
    if (update.kind === 'add') {
      if (first) this.#removeAllBut(new Set(update.endpoints.map(keyOf)));
      for (const info of update.endpoints) this.#put(info);
      this.#user.changed?.(first ? 'reset' : 'add');
    } else if (update.kind === 'remove') {
      if (!first) for (const addr of update.addrs) this.#remove(keyOf(addr));
      this.#user.changed?.('remove');
    } else {
      this.#removeAllBut(new Set());
      this.#user.changed?.('reset');
    }
    this.#serve();
  }

  stop(): void {
    this.#stopped = true;
    this.#failfast?.cancel();
    this.#removeAllBut(new Set());
    for (const waiter of this.#queue.splice(0)) this.#user.refuse(waiter, new Fault('load-shed'));
  }

  #enqueue(waiter: W): void {
    const full = this.#queue.length >= this.#config.queueMax;
    if (this.#shut || full) {
      this.#user.refuse(waiter, new Fault('load-shed', full ? 'the queue is full' : 'no endpoint is ready'));
      return;
    }
    this.#queue.push(waiter);
    this.#user.changed?.('queued');
    this.#failfast ??= this.#deps.clock.after(this.#config.failfastMs, () => this.#shutGate());
  }

  #shutGate(): void {
    this.#failfast = undefined;
    if (this.#ready.length > 0) return;
    this.#shut = true;
    this.#user.changed?.('shut');
    const known =
      this.#slots.size === 0 ? 'no endpoints are known' : `none of ${this.#slots.size} endpoints is reachable`;
    for (const waiter of this.#queue.splice(0)) this.#user.refuse(waiter, new Fault('fail-fast', known));
  }

  #serve(): void {
    if (this.#ready.length === 0) return;
    this.#failfast?.cancel();
    this.#failfast = undefined;
    if (this.#shut) {
      this.#shut = false;
      this.#user.changed?.('open');
    }
    while (this.#queue.length > 0 && this.#ready.length > 0) this.acquire(this.#queue.shift()!);
  }

  #put(info: EndpointInfo): void {
    const key = keyOf(info);
    const old = this.#slots.get(key);
    if (old && isSame(old.info, info)) return;
    if (old) this.#remove(key);
    if (this.#slots.size >= LIMITS.endpointsMax) return;
    const ewma = new PeakEwma(this.#config.ewma, this.#deps.clock.nowMs());
    const slot = new Slot(info, this.#user.open(info), ewma, new Backoff(this.#config.backoff, this.#deps.random));
    this.#slots.set(key, slot);
    this.#ready.push(slot);
  }

  #remove(key: string): void {
    const slot = this.#slots.get(key);
    if (!slot) return;
    slot.gone = true;
    slot.retry?.cancel();
    this.#slots.delete(key);
    this.#ready = this.#ready.filter((other) => other !== slot);
    this.#user.close(slot.endpoint);
  }

  #removeAllBut(kept: ReadonlySet<string>): void {
    for (const key of [...this.#slots.keys()]) if (!kept.has(key)) this.#remove(key);
  }

  #retryLater(slot: Slot<E>): void {
    slot.retry = this.#deps.clock.after(slot.backoff.nextMs(), () =>
      this.#user.probe(slot.endpoint, (ok) => {
        if (slot.gone || this.#stopped) return;
        if (!ok) {
          this.#retryLater(slot);
          return;
        }
        slot.backoff.reset();
        slot.ready = true;
        this.#ready.push(slot);
        this.#user.changed?.('ready');
        this.#serve();
      }),
    );
  }
}

function keyOf({ ip, port }: { ip: string; port: number }): string {
  return `${ip} ${port}`;
}

/** Any difference in what is known about an endpoint means new connections to it. */
function isSame(a: EndpointInfo, b: EndpointInfo): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
