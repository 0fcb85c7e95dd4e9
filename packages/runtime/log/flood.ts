/** Lines of one kind (level, target and message; fields may differ) that are written in one second. */
const LINES_PER_SECOND_MAX = 10;
/** Kinds remembered; the oldest is forgotten. */
const KINDS_MAX = 1_000;
const WINDOW_SECONDS = 1;

interface Kind {
  fromSeconds: number;
  lines: number;
  suppressed: number;
}

/** Keeps one cause that happens a thousand times a second from becoming a thousand lines. */
export class FloodGuard {
  readonly #kinds = new Map<string, Kind>();

  /** How many lines of the kind were left out since its last line, or -1 when this one is left out too. */
  admit(key: string, nowSeconds: number): number {
    const kind = this.#kinds.get(key);
    if (!kind) {
      if (this.#kinds.size >= KINDS_MAX) this.#kinds.delete(this.#kinds.keys().next().value!);
      this.#kinds.set(key, { fromSeconds: nowSeconds, lines: 1, suppressed: 0 });
      return 0;
    }
    if (nowSeconds - kind.fromSeconds >= WINDOW_SECONDS) {
      const { suppressed } = kind;
      kind.fromSeconds = nowSeconds;
      kind.lines = 1;
      kind.suppressed = 0;
      return suppressed;
    }
    if (kind.lines < LINES_PER_SECOND_MAX) {
      kind.lines++;
      return 0;
    }
    kind.suppressed++;
    return -1;
  }
}
