import assert from 'node:assert/strict';
import { test } from 'node:test';

/** Time for one target; set `WEFT_FUZZ_MS` to look longer, `WEFT_FUZZ_SEED` to see a failure again. */
const TIME_MS = Number(process.env['WEFT_FUZZ_MS'] ?? 700);
const ONLY_SEED = process.env['WEFT_FUZZ_SEED'];
const RUNS_MIN = 50;

/** Chance from a seed (xorshift32): the same seed gives the same run. */
export class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = Math.imul(seed, 0x9e3779b1) | 1;
    for (let i = 0; i < 4; i++) this.below(2);
  }

  /** A whole number from 0 to `limit - 1`. */
  below(limit: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % limit;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }
}

/** Octets that mean something to one codec or another. */
const TELLING = [0, 1, 9, 10, 13, 32, 34, 44, 48, 58, 59, 97, 127, 128, 255];
const PIECES_MAX = 8;

/** One of the given inputs, or several, with damage: octets changed, put in, taken out, moved. */
export function damaged(inputs: readonly Buffer[], chance: Chance): Buffer {
  let bytes = Buffer.concat(Array.from({ length: 1 + chance.below(3) }, () => chance.pick(inputs)));
  for (let changes = chance.below(6); changes > 0 && bytes.length > 0; changes--) {
    const at = chance.below(bytes.length);
    const octet = chance.below(2) === 0 ? chance.pick(TELLING) : chance.below(256);
    const head = bytes.subarray(0, at);
    const tail = bytes.subarray(at);
    const length = 1 + chance.below(9);
    switch (chance.below(5)) {
      case 0:
        bytes = Buffer.concat([head, Buffer.from([octet]), tail.subarray(1)]);
        break;
      case 1:
        bytes = Buffer.concat([head, Buffer.alloc(length, octet), tail]);
        break;
      case 2:
        bytes = Buffer.concat([head, tail.subarray(length)]);
        break;
      case 3:
        bytes = Buffer.concat([head, tail.subarray(0, length * 3), tail]);
        break;
      default:
        bytes = Buffer.from(bytes);
        bytes[at]! ^= 1 << chance.below(8);
    }
  }
  return bytes;
}

/** Cuts bytes at random, often into single octets. */
export function randomPieces(bytes: Buffer, chance: Chance): Buffer[] {
  if (chance.below(4) === 0) return Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
  const cuts = Array.from({ length: chance.below(PIECES_MAX) }, () => chance.below(bytes.length + 1)).sort(
    (a, b) => a - b,
  );
  return [...cuts, bytes.length].map((end, i) => bytes.subarray(i === 0 ? 0 : cuts[i - 1], end));
}

/**
 * Defines a test that feeds a decoder damaged inputs for a bounded time, whole and in pieces. `decode` gives what the decoder
 * reported, in a form that does not depend on where the pieces were cut, and throws where an invariant is hurt.
 */
export function fuzz(title: string, inputs: readonly Buffer[], decode: (pieces: readonly Buffer[]) => unknown): void {
  test(`${title} takes damaged input in any pieces, with the same result and without an exception`, () => {
    const endMs = performance.now() + TIME_MS;
    const first = ONLY_SEED === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(ONLY_SEED);
    const runs = ONLY_SEED === undefined ? Number.MAX_SAFE_INTEGER : 1;
    for (let i = 0; i < runs && (i < RUNS_MIN || performance.now() < endMs); i++) {
      const seed = (first + i) >>> 0;
      const chance = new Chance(seed);
      const bytes = damaged(inputs, chance);
      try {
        const whole = decode([Buffer.from(bytes)]);
        assert.deepEqual(decode(randomPieces(bytes, chance).map((piece) => Buffer.from(piece))), whole);
      } catch (error) {
        throw new Error(`WEFT_FUZZ_SEED=${seed}: ${JSON.stringify(bytes.toString('latin1').slice(0, 2000))}`, {
          cause: error,
        });
      }
    }
  });
}
