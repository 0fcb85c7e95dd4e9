import type { Clock } from '#runtime/clock';
import type { Drain } from '#runtime/drain';
import type { Log } from '#runtime/log';
import type { SocketAddr } from '#runtime/net';
import type { Random } from '#runtime/random';
import type { OpenSockets } from './accept/index.ts';
import type { HttpShared } from './http/index.ts';
import type { Conn } from './tcp/index.ts';
import type { Metrics } from './telemetry/index.ts';

/** What both directions need of the outside world. */
export interface Deps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly drain: Drain;
  readonly http: HttpShared;
  readonly sockets: OpenSockets;
  /** Where an accepted connection was meant to go; undefined: unknown. */
  readonly originalDst: (socket: Conn) => SocketAddr | undefined;
}
