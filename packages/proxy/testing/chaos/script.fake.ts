import type { Random } from '#runtime/random';

/** What an application does with a request. */
export const APP_FATES = [
  'whole',
  'early',
  'late',
  'slow',
  'informational',
  'refuse',
  'break',
  'kill',
  'fail',
] as const;
/** What a client does with a response. */
export const CLIENT_FATES = ['patient', 'slow', 'cancel', 'kill'] as const;
const FRAMINGS = ['length', 'chunked', 'close'] as const;
const SIZES = [0, 1, 300, 20_000, 70_000, 400_000];

/** What one request and its response are like; travels in the request's path, so that both ends know. */
export interface Script {
  readonly id: number;
  /** Octets of the bodies. */
  readonly upload: number;
  readonly answer: number;
  readonly framing: (typeof FRAMINGS)[number];
  readonly trailers: boolean;
  readonly app: (typeof APP_FATES)[number];
  readonly client: (typeof CLIENT_FATES)[number];
  /** For whoever is late or gives up. */
  readonly waitMs: number;
}

/** Most go well, so that there are responses to look at. */
export function randomScript(id: number, random: Random): Script {
  const pick = <T>(from: readonly T[], usual: number): T =>
    random() < usual ? from[0]! : from[Math.floor(random() * from.length)]!;
  return {
    id,
    upload: pick(SIZES, 0.4),
    answer: pick(SIZES, 0.1),
    framing: pick(FRAMINGS, 0.4),
    trailers: random() < 0.3,
    app: pick(APP_FATES, 0.5),
    client: pick(CLIENT_FATES, 0.7),
    waitMs: Math.floor(random() * 15),
  };
}

export function pathOf(script: Script): string {
  return `/${encodeURIComponent(JSON.stringify(script))}`;
}

export function scriptOf(path: string): Script {
  return JSON.parse(decodeURIComponent(path.slice(1))) as Script;
}

/** Octet `k` of body `id` is `7 * k + id`: any part of any body tells where it belongs. 7 * 183 is 1 modulo 256. */
const RUN_BYTES = 32 * 1024;
const PATTERN = Buffer.from(Array.from({ length: RUN_BYTES + 256 }, (_, k) => (k * 7) & 255));
const placeOf = (id: number, from: number): number => (from + id * 183) & 255;

/** Sends a body as fast as it is taken. */
export class BodyWriter {
  readonly #id: number;
  readonly #bytes: number;
  readonly #write: (part: Buffer) => boolean;
  readonly #done: () => void;
  #sent = 0;
  #blocked = false;
  #over = false;

  /** `write`: false when no more is taken until `drained`. */
  constructor(id: number, bytes: number, write: (part: Buffer) => boolean, done: () => void) {
    this.#id = id;
    this.#bytes = bytes;
    this.#write = write;
    this.#done = done;
  }

  /** All of it is sent. */
  get isDone(): boolean {
    return this.#sent === this.#bytes;
  }

  drained(): void {
    this.#blocked = false;
    this.pump();
  }

  /** Sends what is left, at most `bytes` of it. */
  pump(bytes = this.#bytes): void {
    let left = bytes;
    while (!this.#blocked && !this.#over && this.#sent < this.#bytes && left > 0) {
      const length = Math.min(RUN_BYTES, this.#bytes - this.#sent, left);
      const at = placeOf(this.#id, this.#sent);
      this.#sent += length;
      left -= length;
      this.#blocked = !this.#write(PATTERN.subarray(at, at + length));
    }
    if (this.#sent < this.#bytes || this.#over) return;
    this.#over = true;
    this.#done();
  }

  stop(): void {
    this.#over = true;
  }
}

/** Holds what comes of a body against what it should be. */
export class BodyReader {
  bytes = 0;
  isRight = true;
  readonly #id: number;

  constructor(id: number) {
    this.#id = id;
  }

  take(buf: Uint8Array, start: number, end: number): void {
    for (let i = start; i < end; i += RUN_BYTES) {
      const length = Math.min(RUN_BYTES, end - i);
      const at = placeOf(this.#id, this.bytes);
      if (PATTERN.compare(buf, i, i + length, at, at + length) !== 0) this.isRight = false;
      this.bytes += length;
    }
  }
}
