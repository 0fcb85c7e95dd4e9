import type { Candidate } from './candidate.ts';

/** Outcasts in order of when they are due: a binary heap that knows where everyone is. */
export class Comebacks<C extends Candidate> {
  readonly #heap: C[] = [];

  get first(): C | undefined {
    return this.#heap[0];
  }

  has(candidate: C): boolean {
    return candidate.heapIndex >= 0;
  }

  /** Adds it, or moves it to its new time. */
  put(candidate: C, dueMs: number): void {
    candidate.dueMs = dueMs;
    if (candidate.heapIndex < 0) candidate.heapIndex = this.#heap.push(candidate) - 1;
    this.#settle(candidate);
  }

  remove(candidate: C): void {
    const index = candidate.heapIndex;
    if (index < 0) return;
    candidate.heapIndex = -1;
    const last = this.#heap.pop()!;
    if (last === candidate) return;
    this.#place(last, index);
    this.#settle(last);
  }

  #settle(candidate: C): void {
    let index = candidate.heapIndex;
    while (index > 0) {
      const parent = this.#heap[(index - 1) >> 1]!;
      if (parent.dueMs <= candidate.dueMs) break;
      const at = parent.heapIndex;
      this.#place(parent, index);
      index = at;
    }
    for (;;) {
      const left = this.#heap[2 * index + 1];
      const right = this.#heap[2 * index + 2];
      const child = left && right && right.dueMs < left.dueMs ? right : left;
      if (!child || child.dueMs >= candidate.dueMs) break;
      const at = child.heapIndex;
      this.#place(child, index);
      index = at;
    }
    this.#place(candidate, index);
  }

  #place(candidate: C, index: number): void {
    this.#heap[index] = candidate;
    candidate.heapIndex = index;
  }
}
