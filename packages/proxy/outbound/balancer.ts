import { Candidate, EndpointPicker, type EwmaConfig, type Standing, type ZoneBand } from '#model/balance';
import { Breaker, type BreakerResult } from '#model/breaker';
import { Fault } from '#model/faults';
import type { Clock, Timer } from '#runtime/clock';
import type { Random } from '#runtime/random';
import {
  Backoff,
  type BackoffConfig,
  type BreakerPolicy,
  type DestinationUpdate,
  type EndpointInfo,
} from '../discover/index.ts';
import { LIMITS } from '../limits.ts';
import type { BalancerWatch } from '../telemetry/index.ts';
import { isSameConnection, isSameStanding } from './same-endpoint.ts';

export interface BalancerConfig {
  readonly ewma: EwmaConfig;
  /** How long requests wait for an endpoint before all of them fail. */
  readonly failfastMs: number;
  readonly queueMax: number;
  /** Waits before an endpoint that refused a connection is tried again. */
  readonly backoff: BackoffConfig;
  /** Absent: zones play no role. */
  readonly zones?: ZoneBand | undefined;
  /** Absent: no endpoint is shut out for how it answers. */
  readonly breaker?: BreakerPolicy | undefined;
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
}

/** One endpoint in a balancer. */
export class Slot<E> extends Candidate {
  info: EndpointInfo;
  readonly endpoint: E;
  readonly backoff: Backoff;
  readonly breaker: Breaker | undefined;
  reachable = true;
  gone = false;
  /** The request that decides whether the breaker closes. */
  trial: unknown;
  /** Before the next attempt to connect, and before the breaker lets a trial through. */
  reconnect: Timer | undefined;
  reopen: Timer | undefined;

  constructor(info: EndpointInfo, endpoint: E, config: BalancerConfig, deps: BalancerDeps) {
    const nowMs = deps.clock.nowMs();
    super(standingOf(info), config.ewma, nowMs);
    this.info = info;
    this.endpoint = endpoint;
    this.backoff = new Backoff(config.backoff, deps.random);
    this.breaker = config.breaker && new Breaker(config.breaker, nowMs);
  }
}

/** Someone in the queue. */
interface Waiting<W> {
  readonly waiter: W;
  readonly sinceMs: number;
}

/**
 * Endpoints of one destination, and those who wait for one. A picker chooses among those that are ready; one that refused a
 * connection is left out until a connection to it succeeds, one whose breaker opened until a single request to it does. With none
 * ready, waiters queue; after the fail-fast time all of them are refused, and new ones at once, until an endpoint is ready again.
 */
export class Balancer<W, E> {
  readonly #config: BalancerConfig;
  readonly #deps: BalancerDeps;
  readonly #user: BalancerUser<W, E>;
  readonly #watch: BalancerWatch | undefined;
  readonly #picker: EndpointPicker<Slot<E>>;
  readonly #slots = new Map<string, Slot<E>>();
  readonly #queue: Waiting<W>[] = [];
  #failfast: Timer | undefined;
  #shut = false;
  #stopped = false;

  constructor(config: BalancerConfig, deps: BalancerDeps, user: BalancerUser<W, E>, watch?: BalancerWatch) {
    this.#config = config;
    this.#deps = deps;
    this.#user = user;
    this.#watch = watch;
    this.#picker = new EndpointPicker({ zones: config.zones, random: deps.random });
    watch?.gate(true);
  }

  get size(): number {
    return this.#slots.size;
  }
  get readyCount(): number {
    return this.#picker.readyCount;
  }
  get queueLength(): number {
    return this.#queue.length;
  }
  /** Whether a new request would at least be queued. */
  get available(): boolean {
    return !this.#shut;
  }
  get slots(): Iterable<Slot<E>> {
    return this.#slots.values();
  }

  /** Gives the waiter to an endpoint, now or when one is ready; after `stop` nobody is. */
  acquire(waiter: W): void {
    this.#watch?.asked();
    const slot = this.#picker.pick(this.#deps.clock.nowMs());
    if (slot) {
      this.#watch?.waited(0);
      this.#send(waiter, slot);
    } else this.#enqueue(waiter);
  }

  /** True: the waiter was in the queue and is not any more. */
  cancel(waiter: W): boolean {
    const index = this.#queue.findIndex((one) => one.waiter === waiter);
    if (index < 0) return false;
    this.#queue.splice(index, 1);
    this.#watch?.queue(this.#queue.length);
    return true;
  }

  /** The response of a request began `rttMs` after it was sent, or a connection was opened. */
  answered(slot: Slot<E>, rttMs: number): void {
    this.#picker.answered(slot, rttMs, this.#deps.clock.nowMs());
  }

  /** As `answered`, for a response that failed; `retryAfterMs`: the server wants no other before, 0 when it does not say. */
  failed(slot: Slot<E>, rttMs: number, retryAfterMs: number): void {
    this.#picker.failed(slot, rttMs, this.#deps.clock.nowMs(), retryAfterMs);
  }

  /**
   * What the waiter was given is over. `answered`: the response had begun. `result`: what the breaker makes of it. `silentMs`: how
   * long a response was waited for in vain.
   */
  ended(slot: Slot<E>, waiter: W, answered: boolean, result: BreakerResult, silentMs = 0): void {
    const nowMs = this.#deps.clock.nowMs();
    this.#picker.ended(slot, answered, nowMs, silentMs);
    const { breaker } = slot;
    if (!breaker) return;
    if (slot.trial === waiter) this.#tried(slot, breaker, result);
    else if (breaker.record(result, nowMs) && this.#canSpare(slot)) this.#trip(slot, breaker);
  }

  /** The endpoint could not be reached for this waiter, which may be given to another: leave it out for a while. */
  unreachable(slot: Slot<E>, waiter: W): void {
    const known = slot.gone || !slot.reachable;
    slot.reachable = false;
    this.ended(slot, waiter, false, 'none');
    if (known) return;
    this.#settle(slot);
    this.#reconnectLater(slot);
  }

  /** Applies what discovery said; `first`: the message replaces everything known. Endpoints that did not fit in are counted. */
  update(update: DestinationUpdate, first: boolean): number {
    let refused = 0;
    if (update.kind === 'add') {
      if (first) this.#removeAllBut(new Set(update.endpoints.map(keyOf)));
      for (const info of update.endpoints) if (!this.#put(info)) refused++;
      this.#watch?.updated(first ? 'Reset' : 'Add');
    } else if (update.kind === 'remove') {
      if (!first) for (const addr of update.addrs) this.#remove(keyOf(addr));
      this.#watch?.updated('Remove');
    } else {
      this.#removeAllBut(new Set());
      this.#watch?.updated('Reset');
    }
    this.#serve();
    return refused;
  }

  /** Tells the metrics that are asked for rather than kept. */
  collect(): void {
    if (this.#config.zones) this.#watch?.load(this.#picker.adaptiveLoad(this.#deps.clock.nowMs()));
  }

  stop(): void {
    this.#stopped = true;
    this.#failfast?.cancel();
    this.#removeAllBut(new Set());
    for (const { waiter } of this.#queue.splice(0)) this.#user.refuse(waiter, new Fault('load-shed'));
    this.#watch?.release();
  }

  #send(waiter: W, slot: Slot<E>): void {
    if (slot.breaker?.state === 'probing' && slot.trial === undefined) {
      slot.trial = waiter;
      this.#tellReady();
    }
    this.#user.send(waiter, slot);
  }

  #enqueue(waiter: W): void {
    if (this.#stopped) {
      this.#user.refuse(waiter, new Fault('load-shed', 'the destination is not used any more'));
      return;
    }
    const full = this.#queue.length >= this.#config.queueMax;
    if (this.#shut || full) {
      this.#user.refuse(waiter, new Fault('load-shed', full ? 'the queue is full' : 'no endpoint is ready'));
      return;
    }
    this.#queue.push({ waiter, sinceMs: this.#deps.clock.nowMs() });
    this.#watch?.queue(this.#queue.length);
    this.#failfast ??= this.#deps.clock.after(this.#config.failfastMs, () => this.#shutGate());
  }

  #shutGate(): void {
    this.#failfast = undefined;
    if (this.readyCount > 0 || this.#queue.length === 0) return;
    this.#shut = true;
    this.#watch?.gate(false);
    const refused = this.#queue.splice(0);
    this.#watch?.queue(0);
    for (const { waiter } of refused) this.#user.refuse(waiter, new Fault('fail-fast', this.#whyNoneReady()));
  }

  #whyNoneReady(): string {
    if (this.size === 0) return 'no endpoints are known';
    let broken = 0;
    for (const slot of this.slots) if (slot.reachable) broken++;
    const breakers = broken === 0 ? '' : `; the circuit breakers of ${broken} are open`;
    return `none of ${this.size} endpoints is ready${breakers}`;
  }

  /** Something became ready. */
  #serve(): void {
    this.#tellReady();
    if (this.readyCount === 0) return;
    this.#failfast?.cancel();
    this.#failfast = undefined;
    if (this.#shut) {
      this.#shut = false;
      this.#watch?.gate(true);
    }
    while (this.#queue.length > 0) {
      const nowMs = this.#deps.clock.nowMs();
      const slot = this.#picker.pick(nowMs);
      if (!slot) {
        this.#failfast ??= this.#deps.clock.after(this.#config.failfastMs, () => this.#shutGate());
        return;
      }
      const { waiter, sinceMs } = this.#queue.shift()!;
      this.#watch?.queue(this.#queue.length);
      this.#watch?.waited(nowMs - sinceMs);
      this.#send(waiter, slot);
    }
  }

  /** False: there is no room for another. */
  #put(info: EndpointInfo): boolean {
    const key = keyOf(info);
    const old = this.#slots.get(key);
    if (old && isSameConnection(old.info, info)) {
      if (!isSameStanding(old.info, info)) this.#picker.move(old, standingOf(info));
      old.info = info;
      return true;
    }
    if (old) this.#remove(key);
    if (this.#slots.size >= LIMITS.endpointsMax) return false;
    const slot = new Slot(info, this.#user.open(info), this.#config, this.#deps);
    this.#slots.set(key, slot);
    this.#picker.put(slot);
    this.#picker.setReady(slot, true);
    return true;
  }

  #remove(key: string): void {
    const slot = this.#slots.get(key);
    if (!slot) return;
    slot.gone = true;
    slot.reconnect?.cancel();
    slot.reopen?.cancel();
    this.#slots.delete(key);
    this.#picker.remove(slot);
    this.#user.close(slot.endpoint);
  }

  #removeAllBut(kept: ReadonlySet<string>): void {
    for (const key of [...this.#slots.keys()]) if (!kept.has(key)) this.#remove(key);
  }

  // --- breakers

  /** Whether enough others are left; the next failure asks again. */
  #canSpare(slot: Slot<E>): boolean {
    return !slot.ready || this.readyCount > (this.#config.breaker?.minReadyEndpoints ?? 0);
  }

  #trip(slot: Slot<E>, breaker: Breaker): void {
    if (slot.gone) return;
    const nowMs = this.#deps.clock.nowMs();
    breaker.open(nowMs, this.#deps.random());
    this.#settle(slot);
    slot.reopen = this.#deps.clock.after(breaker.openUntilMs - nowMs, () => {
      breaker.probe();
      this.#settle(slot);
    });
  }

  #tried(slot: Slot<E>, breaker: Breaker, result: BreakerResult): void {
    slot.trial = undefined;
    if (slot.gone) return;
    if (breaker.probed(result) === 'open') this.#trip(slot, breaker);
    else this.#settle(slot);
  }

  // --- connections

  #reconnectLater(slot: Slot<E>): void {
    slot.reconnect = this.#deps.clock.after(slot.backoff.nextMs(), () =>
      this.#user.probe(slot.endpoint, (ok) => {
        if (slot.gone || this.#stopped) return;
        if (!ok) {
          this.#reconnectLater(slot);
          return;
        }
        slot.backoff.reset();
        slot.reachable = true;
        this.#settle(slot);
      }),
    );
  }

  /** Makes the slot as ready as its connection and its breaker say. */
  #settle(slot: Slot<E>): void {
    const state = slot.breaker?.state ?? 'closed';
    if (slot.reachable && state === 'probing' && slot.trial === undefined)
      this.#picker.setSingle(slot, this.#deps.clock.nowMs());
    else this.#picker.setReady(slot, slot.reachable && state === 'closed');
    this.#serve();
  }

  #tellReady(): void {
    this.#watch?.endpoints(this.readyCount, this.size);
  }
}

function keyOf({ ip, port }: { ip: string; port: number }): string {
  return `${ip} ${port}`;
}

function standingOf({ weight, locality, priority }: EndpointInfo): Standing {
  return { weight, locality, priority };
}
