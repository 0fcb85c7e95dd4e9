import type { Clock } from '#runtime/clock';
import type { Log } from '#runtime/log';
import { takenBytes } from '#runtime/net';
import { LIMITS } from '../limits.ts';
import { type Conn, type HeldPart, heldBytes, holderOf } from '../tcp/index.ts';
import type { Metrics } from '../telemetry/index.ts';
import { Stalls } from './stalls.ts';

type Direction = 'inbound' | 'outbound';

export interface OpenSocketsDeps {
  readonly clock: Pick<Clock, 'nowMs' | 'after'>;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Bounds of this process; see the limits of the same names. */
export interface OpenSocketsLimits {
  readonly acceptedMax: number;
  /** Of both directions together. */
  readonly acceptedTogetherMax: number;
  readonly stalledBytesMax: number;
  readonly bufferedBytesMax: number;
}

/** How long a count of buffered bytes is good enough, and how often they are counted without being asked for. */
const COUNT_EVERY_MS = 100;
const WATCH_EVERY_MS = 200;
/** While this share of the lower limit waits. */
const SHARE_WATCHED = 0.5;
const WATCH_CLOSELY_MS = 50;
const PATIENCE_SHARE_MIN = 0.2;
/** Who holds less than this is not to blame when too much waits: about half of one read. */
const TO_BLAME_BYTES_MIN = 32 * 1024;
/** Once too much waits, those that hold most go until this share of the limit is left. */
const SHARE_LEFT = 0.75;

/**
 * Every socket that carries traffic, to know how many bytes wait in them, and the bound on accepted ones. Past the bound on
 * connections only new ones suffer. When many bytes wait, readers that stand still go, and where that is not enough what is kept for
 * another try of requests; when far more wait, those that hold most: streams of shared connections by themselves, the connection last.
 */
export class OpenSockets {
  readonly #limits: OpenSocketsLimits;
  readonly #deps: OpenSocketsDeps;
  readonly #sockets = new Set<Conn>();
  readonly #stalls = new Stalls();
  readonly #accepted = { inbound: 0, outbound: 0 };
  #bufferedBytes = 0;
  #countedMs = Number.NEGATIVE_INFINITY;
  #watching = false;

  constructor(limits: OpenSocketsLimits, deps: OpenSocketsDeps) {
    this.#limits = limits;
    this.#deps = deps;
    const { metrics } = deps;
    const buffered = metrics.gauge('buffered_bytes', {});
    const open = (['inbound', 'outbound'] as const).map(
      (direction) => [direction, metrics.gauge('accepted_connections', { direction })] as const,
    );
    metrics.onCollect(() => {
      this.#countedMs = Number.NEGATIVE_INFINITY;
      buffered.set(this.bufferedBytes());
      for (const [direction, gauge] of open) gauge.set(this.#accepted[direction]);
    });
  }

  /** Counts an accepted connection until it closes; false: it was one too many and is closed. */
  admit(socket: Conn, direction: Direction): boolean {
    const reason = this.#refusal(direction);
    if (reason !== undefined) {
      this.#deps.metrics.counter('accepted_connections_refused_total', { direction, reason }).inc();
      this.#deps.log.warn('Connection refused: the proxy is at a limit', { direction, reason });
      socket.on('error', () => socket.destroy());
      socket.destroy();
      return false;
    }
    this.#accepted[direction]++;
    socket.once('close', () => this.#accepted[direction]--);
    return true;
  }

  /** Counts what waits in a socket until it closes: of accepted ones as of those that lead on. */
  track(socket: Conn): void {
    if (socket.destroyed) return;
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    this.#watch();
  }

  /** Bytes that were read or written and wait in this process. */
  bufferedBytes(): number {
    const nowMs = this.#deps.clock.nowMs();
    if (nowMs - this.#countedMs < COUNT_EVERY_MS) return this.#bufferedBytes;
    this.#countedMs = nowMs;
    this.#bufferedBytes = 0;
    for (const socket of this.#sockets) this.#bufferedBytes += heldBytes(socket);
    if (this.#isMuch) this.#relieve(nowMs);
    return this.#bufferedBytes;
  }

  /** So much waits that it matters for whom. */
  get #isMuch(): boolean {
    return this.#bufferedBytes >= this.#limits.stalledBytesMax * SHARE_WATCHED;
  }

  /** Counts now and then as long as there is anything to count. */
  #watch(): void {
    if (this.#watching) return;
    this.#watching = true;
    this.#deps.clock.after(this.#isMuch ? WATCH_CLOSELY_MS : WATCH_EVERY_MS, () => {
      this.#watching = false;
      this.#countedMs = Number.NEGATIVE_INFINITY;
      this.bufferedBytes();
      if (this.#sockets.size > 0) this.#watch();
    });
  }

  /** The least harm first. */
  #relieve(nowMs: number): void {
    const { stalledBytesMax, bufferedBytesMax } = this.#limits;
    const parts = [...this.#sockets].flatMap((socket) => partsOf(socket));
    const stalledMs = this.#patienceMs;
    const stalled = parts.filter(
      (each) => each.unsentBytes >= TO_BLAME_BYTES_MIN && this.#stalls.isStalled(each, stalledMs, nowMs),
    );
    if (this.#bufferedBytes < stalledBytesMax) return;
    let count = this.#drop(stalled, stalledBytesMax);
    if (this.#bufferedBytes >= stalledBytesMax)
      for (const socket of this.#sockets) this.#bufferedBytes -= holderOf(socket)?.forgetKept?.() ?? 0;
    if (this.#bufferedBytes >= bufferedBytesMax) {
      const rest = new Set(parts);
      for (const part of stalled) rest.delete(part);
      count += this.#drop([...rest], bufferedBytesMax);
      const whole = [...this.#sockets].filter((socket) => heldBytes(socket) >= TO_BLAME_BYTES_MIN);
      count += this.#drop(whole.map(wholeOf), bufferedBytesMax);
    }
    if (count === 0) return;
    this.#deps.metrics.counter('connections_shed_total', {}).add(count);
    this.#deps.log.warn('Connections or streams broken off: too many bytes wait, and they held most', { count });
  }

  /** How long a reader may stand still: the less, the nearer the second bound is. */
  get #patienceMs(): number {
    const { stalledBytesMax, bufferedBytesMax } = this.#limits;
    const room = (bufferedBytesMax - this.#bufferedBytes) / Math.max(1, bufferedBytesMax - stalledBytesMax);
    return LIMITS.stalledMs * Math.min(1, Math.max(PATIENCE_SHARE_MIN, room));
  }

  /** Breaks off those that hold most until a share of the limit is left; how many. */
  #drop(parts: HeldPart[], limitBytes: number): number {
    let count = 0;
    for (const part of parts.sort((a, b) => b.bytes - a.bytes)) {
      if (this.#bufferedBytes <= limitBytes * SHARE_LEFT) break;
      this.#bufferedBytes -= part.bytes;
      part.drop();
      count++;
    }
    return count;
  }

  #refusal(direction: Direction): 'connections' | 'buffered bytes' | undefined {
    const { inbound, outbound } = this.#accepted;
    const { acceptedMax, acceptedTogetherMax } = this.#limits;
    if (this.#accepted[direction] >= acceptedMax || inbound + outbound >= acceptedTogetherMax) return 'connections';
    return this.bufferedBytes() >= this.#limits.bufferedBytesMax ? 'buffered bytes' : undefined;
  }
}

/** What of a connection can be broken off by itself, or all of it. */
function partsOf(socket: Conn): HeldPart[] {
  const parts = holderOf(socket)?.heldParts?.(TO_BLAME_BYTES_MIN);
  if (parts) return parts;
  return heldBytes(socket) >= TO_BLAME_BYTES_MIN ? [wholeOf(socket)] : [];
}

function wholeOf(socket: Conn): HeldPart {
  return {
    of: socket,
    bytes: heldBytes(socket),
    unsentBytes: socket.writableLength,
    progress: () => takenBytes(socket) ?? socket.writableLength,
    drop: () => socket.destroy(),
  };
}

/** Files beside connections: listeners, control plane, logs, admin and tap. */
const OTHER_FILES = 64;
/** An accepted connection may need one that leads on. */
const FILES_PER_ACCEPTED = 2;

/** The bounds of a proxy that may have so many files open and take so much memory; 0: unknown. Who is let in shall have a way on. */
export function processLimits(openFilesMax: number, memoryBytesMax: number): OpenSocketsLimits {
  const { acceptedConnectionsMax: acceptedMax } = LIMITS;
  const forFiles = Math.max(1, Math.floor((openFilesMax - OTHER_FILES) / FILES_PER_ACCEPTED));
  const acceptedTogetherMax = openFilesMax > 0 ? forFiles : 2 * acceptedMax;
  const { bufferedBytesMax, bufferedShareMax, bufferedBytesMaxLeast: least, bufferedBytesMaxMost: most } = LIMITS;
  const share = Math.min(most, Math.max(least, Math.floor(memoryBytesMax * bufferedShareMax)));
  const waitingMax = memoryBytesMax > 0 ? share : bufferedBytesMax;
  const stalledBytesMax = waitingMax * LIMITS.stalledShareMax;
  return { acceptedMax, acceptedTogetherMax, stalledBytesMax, bufferedBytesMax: waitingMax };
}
