import type { FaultCode } from '#model/faults';
import type { Clock } from '#runtime/clock';
import type { Random } from '#runtime/random';
import type { ExchangeObserver } from './contract.ts';
import type { StripTable } from './names.ts';
import type { HttpShared } from './shared.ts';

/** What one direction of the proxy has in common for all its requests. */
export interface HttpSide<E> {
  readonly shared: HttpShared;
  readonly clock: Clock;
  readonly random: Random;
  /** Fields that requests and responses lose on their way. */
  readonly strip: { readonly request: StripTable; readonly response: StripTable };
  /** Consume `l5d-proxy-connection: close` of peers. */
  readonly obeyPeerClose: boolean;
  readonly observers: readonly ExchangeObserver<E>[];
  readonly inFlightMax: number;
  inFlight: number;
  /** Counts faults that the proxy answered itself. */
  failed(code: FaultCode): void;
}
