import type { tap } from '#api/mesh';
import type { Clock } from '#runtime/clock';
import { GrpcError, type ResponseStream } from '#runtime/grpc';
import type { ResponseHead } from '#wire/fields';
import type { Exchange, ExchangeObserver } from '../http/index.ts';
import { LIMITS } from '../limits.ts';
import type { Metrics } from '../telemetry/index.ts';
import { Session, type Tapped } from './session.ts';
import { subjectOf } from './subject.ts';

export interface TapsOptions {
  readonly clock: Clock;
  readonly metrics: Metrics;
  /** Those who watch requests; tap is among them only while somebody taps. */
  readonly observers: { readonly inbound: ExchangeObserver[]; readonly outbound: ExchangeObserver[] };
}

/** All Observe calls under way, and the requests that they follow. */
export class Taps {
  readonly #options: TapsOptions;
  readonly #sessions = new Set<Session>();
  readonly #watchers: readonly { readonly list: ExchangeObserver[]; readonly watcher: Watcher }[];
  #calls = 0;

  constructor(options: TapsOptions) {
    const { inbound, outbound } = options.observers;
    this.#options = options;
    this.#watchers = [
      { list: inbound, watcher: new Watcher('inbound', this.#sessions, options.clock) },
      { list: outbound, watcher: new Watcher('outbound', this.#sessions, options.clock) },
    ];
  }

  /** Serves one call; throws what ends it at once. */
  observe(request: tap.ObserveRequest, stream: ResponseStream<typeof tap.TapEventSchema>): void {
    if (this.#sessions.size >= LIMITS.tapCallsMax)
      throw new GrpcError('RESOURCE_EXHAUSTED', `more than ${LIMITS.tapCallsMax} taps at once`);
    const dropped = this.#options.metrics.counter('tap_events_dropped_total', {});
    const session = new Session(request, { base: this.#calls++, stream, dropped: () => dropped.inc() });
    this.#sessions.add(session);
    for (const { list, watcher } of this.#watchers) if (!list.includes(watcher)) list.push(watcher);
    stream.onClose(() => {
      this.#sessions.delete(session);
      // Later: the lists are being walked through while a request's end ends its tap.
      this.#options.clock.after(0, () => this.#rest());
    });
  }

  #rest(): void {
    if (this.#sessions.size > 0) return;
    for (const { list, watcher } of this.#watchers) {
      const at = list.indexOf(watcher);
      if (at >= 0) list.splice(at, 1);
      watcher.forget();
    }
  }
}

/** Shows the requests of one direction to the sessions that want some. */
class Watcher implements ExchangeObserver {
  readonly #direction: 'inbound' | 'outbound';
  readonly #sessions: ReadonlySet<Session>;
  readonly #clock: Clock;
  readonly #tapped = new Map<Exchange, Tapped[]>();

  constructor(direction: 'inbound' | 'outbound', sessions: ReadonlySet<Session>, clock: Clock) {
    this.#direction = direction;
    this.#sessions = sessions;
    this.#clock = clock;
  }

  dispatched(exchange: Exchange): void {
    // A retry is no further request.
    if (this.#tapped.has(exchange)) return;
    const tapped: Tapped[] = [];
    let subject: ReturnType<typeof subjectOf> | undefined;
    for (const session of this.#sessions) {
      if (!session.wants) continue;
      subject ??= subjectOf(exchange, this.#direction);
      const one = session.take(subject);
      if (one) tapped.push(one);
    }
    if (tapped.length > 0) this.#tapped.set(exchange, tapped);
  }

  responded(exchange: Exchange, head: ResponseHead): void {
    const tapped = this.#tapped.get(exchange);
    if (!tapped) return;
    const sinceMs = this.#clock.nowMs() - exchange.outcome.startMs;
    for (const one of tapped) one.responded(head, sinceMs);
  }

  ended(exchange: Exchange): void {
    const tapped = this.#tapped.get(exchange);
    if (!tapped) return;
    this.#tapped.delete(exchange);
    for (const one of tapped) one.ended(exchange.outcome);
  }

  /** Nobody taps any more. */
  forget(): void {
    this.#tapped.clear();
  }
}
