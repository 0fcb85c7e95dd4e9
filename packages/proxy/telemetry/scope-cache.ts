/** Scopes shared by everybody who counts under the same labels; the last one to leave releases the series. */
export class ScopeCache<T extends object> {
  readonly #entries = new Map<string, { scope: T; holders: number }>();

  hold(key: string, make: () => T): T {
    let entry = this.#entries.get(key);
    if (!entry) {
      entry = { scope: make(), holders: 0 };
      this.#entries.set(key, entry);
    }
    entry.holders++;
    return entry.scope;
  }

  release(key: string): void {
    const entry = this.#entries.get(key);
    if (!entry || --entry.holders > 0) return;
    this.#entries.delete(key);
    (entry.scope as { release?: () => void }).release?.();
  }
}
