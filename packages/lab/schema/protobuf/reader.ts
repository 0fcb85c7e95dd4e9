/** Reads the protobuf wire format from a byte range; throws {@link WireFault} where the bytes end early or make no sense. */

export class WireFault extends Error {
  override readonly name = 'WireFault';
}

export const VARINT = 0;
export const FIXED64 = 1;
export const BYTES = 2;
export const FIXED32 = 5;

const VARINT_BYTES_MAX = 10;
const utf8 = new TextDecoder('utf-8', { fatal: false });

export class Reader {
  readonly #bytes: Uint8Array;
  #at: number;
  readonly #end: number;

  constructor(bytes: Uint8Array, start = 0, end: number = bytes.length) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  get done(): boolean {
    return this.#at >= this.#end;
  }

  /** The next field's number and wire type. */
  tag(): { number: number; wire: number } {
    const key = Number(this.varint());
    return { number: Math.floor(key / 8), wire: key % 8 };
  }

  /** Signed 64-bit value, as int32, int64 and bool travel. */
  varint(): bigint {
    let value = 0n;
    for (let index = 0; index < VARINT_BYTES_MAX; index++) {
      const byte = this.#bytes[this.#at];
      if (byte === undefined || this.#at >= this.#end) break;
      this.#at++;
      value |= BigInt(byte & 0x7f) << BigInt(7 * index);
      if (byte < 0x80) return BigInt.asIntN(64, value);
    }
    throw new WireFault('protobuf: a varint does not end');
  }

  double(): number {
    const start = this.#take(8);
    return new DataView(this.#bytes.buffer, this.#bytes.byteOffset + start, 8).getFloat64(0, true);
  }

  /** A reader over the next length-delimited value. */
  message(): Reader {
    const length = Number(this.varint());
    const start = this.#take(length);
    return new Reader(this.#bytes, start, start + length);
  }

  /** All that is left, as a view. */
  rest(): Uint8Array {
    const start = this.#take(this.#end - this.#at);
    return this.#bytes.subarray(start, this.#end);
  }

  text(): string {
    return utf8.decode(this.message().rest());
  }

  skip(wire: number): void {
    if (wire === VARINT) this.varint();
    else if (wire === FIXED64) this.#take(8);
    else if (wire === BYTES) this.message();
    else if (wire === FIXED32) this.#take(4);
    else throw new WireFault(`protobuf: wire type ${wire} is not in use`);
  }

  #take(length: number): number {
    const start = this.#at;
    if (!(length >= 0) || start + length > this.#end) throw new WireFault('protobuf: the message ends early');
    this.#at = start + length;
    return start;
  }
}
