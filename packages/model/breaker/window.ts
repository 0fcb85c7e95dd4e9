const BUCKETS = 10;

/** Successes and requests of the last `windowMs`, in ten buckets that expire one by one. */
export class SuccessWindow {
  readonly #bucketMs: number;
  readonly #successes = new Uint32Array(BUCKETS);
  readonly #requests = new Uint32Array(BUCKETS);
  #bucket = 0;
  #bucketStartMs: number;

  constructor(windowMs: number, nowMs: number) {
    this.#bucketMs = windowMs / BUCKETS;
    this.#bucketStartMs = nowMs;
  }

  record(success: boolean, nowMs: number): void {
    this.#expire(nowMs);
    this.#requests[this.#bucket]!++;
    if (success) this.#successes[this.#bucket]!++;
  }

  /** Part of the requests that succeeded, 0 to 1; undefined with fewer than `minRequests` (at least one). */
  ratio(minRequests: number, nowMs: number): number | undefined {
    this.#expire(nowMs);
    let successes = 0;
    let requests = 0;
    for (let i = 0; i < BUCKETS; i++) {
      successes += this.#successes[i]!;
      requests += this.#requests[i]!;
    }
    return requests < Math.max(1, minRequests) ? undefined : successes / requests;
  }

  clear(): void {
    this.#successes.fill(0);
    this.#requests.fill(0);
  }

  #expire(nowMs: number): void {
    const passed = Math.floor((nowMs - this.#bucketStartMs) / this.#bucketMs);
    if (passed <= 0) return;
    this.#bucketStartMs += passed * this.#bucketMs;
    for (let i = 0; i < Math.min(passed, BUCKETS); i++) {
      this.#bucket = (this.#bucket + 1) % BUCKETS;
      this.#successes[this.#bucket] = 0;
      this.#requests[this.#bucket] = 0;
    }
  }
}
