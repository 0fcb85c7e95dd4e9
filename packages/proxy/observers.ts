import type { ProxyConfig } from '#model/proxy-config';
import type { Clock } from '#runtime/clock';
import type { Random } from '#runtime/random';
import { AccessLog } from './access-log/index.ts';
import type { ExchangeObserver } from './http/index.ts';
import { type SpanSink, Spans } from './tracing/index.ts';

export interface ObserverDeps {
  readonly clock: Clock;
  /** Takes a line of the access log, with its line feed. */
  readonly accessLine: (line: string) => void;
  readonly random: Random;
  /** Where spans go; undefined: the proxy takes no part in traces. */
  readonly spans: SpanSink | undefined;
}

/** Who watches the requests of each direction. The lists are shared with all connections: whoever enters sees requests from then on. */
export interface Observers {
  readonly inbound: ExchangeObserver[];
  readonly outbound: ExchangeObserver[];
}

/** Those that the settings ask for. */
export function createObservers(config: ProxyConfig, deps: ObserverDeps): Observers {
  const inbound: ExchangeObserver[] = [];
  if (config.accessLog) inbound.push(new AccessLog(config.accessLog, deps.clock, deps.accessLine));
  const outbound: ExchangeObserver[] = [];
  const { clock, random, spans: sink } = deps;
  if (sink) {
    inbound.push(new Spans({ direction: 'inbound', clock, random, sink }));
    outbound.push(new Spans({ direction: 'outbound', clock, random, sink }));
  }
  return { inbound, outbound };
}
