import { LIMITS } from './limits.ts';

/** A part of the lab's address space, such as `10.42.0.0/16`. */
export type Cidr = string;

/** Packets between two sets of addresses arrive later, in both directions. */
export interface DelayedPair {
  between: readonly [readonly Cidr[], readonly Cidr[]];
  ms: number;
  /** Each packet's delay varies by up to so much to both sides; packets of one direction stay in order. */
  jitterMs: number;
}

interface Range {
  base: number;
  mask: number;
}

interface Waiting {
  packet: Uint8Array;
  dueMs: number;
}

/** One direction: first in, first out. */
interface Direction {
  from: readonly Range[];
  to: readonly Range[];
  ms: number;
  jitterMs: number;
  queue: Waiting[];
  /** Index of the first that still waits; the array is cut when half of it is done with. */
  head: number;
  lastDueMs: number;
}

const SOURCE_AT = 12;
const DESTINATION_AT = 16;
const HEADER_BYTES_MIN = 20;

/** Holds IPv4 packets back. Does no input or output: takes packets and the time, gives packets whose time has come. */
export class DelayLine {
  private readonly directions: readonly Direction[];
  private readonly random: () => number;

  /** `random` gives numbers from 0 up to 1. */
  constructor(pairs: readonly DelayedPair[], random: () => number) {
    this.random = random;
    this.directions = pairs.flatMap(({ between: [a, b], ms, jitterMs }) => {
      const [one, other] = [a.map(parseRange), b.map(parseRange)];
      const rest = { ms, jitterMs, head: 0, lastDueMs: 0 };
      return [
        { from: one, to: other, ...rest, queue: [] },
        { from: other, to: one, ...rest, queue: [] },
      ];
    });
  }

  /** Takes a packet (the bytes are copied). Gives false when it is of no delayed pair: it may go on at once. */
  push(bytes: Uint8Array, nowMs: number): boolean {
    if (bytes.length < HEADER_BYTES_MIN) return false;
    const [source, destination] = [addressAt(bytes, SOURCE_AT), addressAt(bytes, DESTINATION_AT)];
    const direction = this.directions.find(({ from, to }) => holds(from, source) && holds(to, destination));
    if (!direction) return false;
    const { queue, head, ms, jitterMs, lastDueMs } = direction;
    if (queue.length - head >= LIMITS.packetsWaitingMax) return true;
    const varied = ms + (this.random() * 2 - 1) * jitterMs;
    const dueMs = Math.max(lastDueMs, nowMs + Math.max(0, varied));
    queue.push({ packet: bytes.slice(), dueMs });
    direction.lastDueMs = dueMs;
    return true;
  }

  /** Hands over all packets whose time has come. */
  release(nowMs: number, send: (packet: Uint8Array) => void): void {
    for (const direction of this.directions) {
      const { queue } = direction;
      for (let next = queue[direction.head]; next && next.dueMs <= nowMs; next = queue[direction.head]) {
        send(next.packet);
        direction.head++;
      }
      if (direction.head * 2 < queue.length) continue;
      queue.splice(0, direction.head);
      direction.head = 0;
    }
  }

  /** When the next packet is due; undefined when none waits. */
  nextDueMs(): number | undefined {
    let first: number | undefined;
    for (const { queue, head } of this.directions) {
      const dueMs = queue[head]?.dueMs;
      if (dueMs !== undefined && (first === undefined || dueMs < first)) first = dueMs;
    }
    return first;
  }
}

function parseRange(cidr: Cidr): Range {
  const [address = '', bits = '32'] = cidr.split('/');
  const base = address.split('.').reduce((sum, part) => ((sum << 8) | Number(part)) >>> 0, 0);
  const mask = bits === '0' ? 0 : (0xffff_ffff << (32 - Number(bits))) >>> 0;
  return { base: (base & mask) >>> 0, mask };
}

const addressAt = (bytes: Uint8Array, at: number): number =>
  (((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)) >>> 0;

const holds = (ranges: readonly Range[], address: number): boolean =>
  ranges.some(({ base, mask }) => (address & mask) >>> 0 === base);
