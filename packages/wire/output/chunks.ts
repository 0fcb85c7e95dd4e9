/**
 * Memory for output, shared by all outputs of the process: one that has bytes waiting owns a chunk, one that is empty owns nothing,
 * so that a thousand quiet connections cost none. Bytes that were given out are never written again; a chunk is used up
 * from front to back and then left to the garbage collector.
 */

/** Bytes of a chunk: four TLS records, and room for what frames add. */
const CHUNK_BYTES = 68 * 1024;
/** A chunk with less room is not kept for others. */
const ROOM_BYTES_MIN = 4 * 1024;
/** Chunks that wait to be used further. */
const FREE_CHUNKS_MAX = 32;
/**
 * Where a chunk begins to be used. Frames put a few bytes before what they carry; copying between addresses that differ by less
 * than 16 in their last 12 bits takes ten times as long, and sources often begin on a page.
 */
const SKEW_BYTES = 64;

/** Some memory, free from `at` on. */
export interface Chunk {
  readonly buf: Buffer;
  at: number;
}

const free: Chunk[] = [];

/** A chunk with room for so many bytes. */
export function takeChunk(bytes: number): Chunk {
  const chunk = free.pop();
  if (chunk !== undefined) {
    if (chunk.buf.length - chunk.at >= bytes) return chunk;
    free.push(chunk);
  }
  return { buf: Buffer.allocUnsafeSlow(Math.max(CHUNK_BYTES, bytes + SKEW_BYTES)), at: SKEW_BYTES };
}

/** Whether one output alone has had all of a chunk, with bytes from `start` to `end`. */
export function isWhole(chunk: Chunk, start: number, end: number): boolean {
  return start === SKEW_BYTES && chunk.buf.length === CHUNK_BYTES && CHUNK_BYTES - end < ROOM_BYTES_MIN;
}

/** Lets a whole chunk be written to again. New memory would have to be mapped and cleared; this is still in the processor's cache. */
export function reuse(chunk: Chunk): void {
  chunk.at = SKEW_BYTES;
  // Where there is no place, one of which something is used makes room.
  free[Math.min(free.length, FREE_CHUNKS_MAX - 1)] = chunk;
}

/** Gives back a chunk that is used up to `at`. */
export function giveBack(chunk: Chunk, at: number): void {
  chunk.at = at;
  const { length } = chunk.buf;
  if (length <= CHUNK_BYTES && length - at >= ROOM_BYTES_MIN && free.length < FREE_CHUNKS_MAX) free.push(chunk);
}
