import { LIMITS } from '../limits.ts';

/** Scopes that differ by a name which requests carry, where the operator asked for such labels; bounded. */
export class ByName<T extends { release(): void }> {
  readonly #make: (name: string) => T;
  readonly #scopes = new Map<string, T>();

  constructor(make: (name: string) => T) {
    this.#make = make;
  }

  /** The scope of a name; the oldest one goes when there are too many. */
  get(name: string): T {
    let scope = this.#scopes.get(name);
    if (!scope) {
      if (this.#scopes.size >= LIMITS.namedScopesMax) this.#forgetOldest();
      scope = this.#make(name);
      this.#scopes.set(name, scope);
    }
    return scope;
  }

  release(): void {
    for (const scope of this.#scopes.values()) scope.release();
    this.#scopes.clear();
  }

  #forgetOldest(): void {
    for (const [name, scope] of this.#scopes) {
      this.#scopes.delete(name);
      scope.release();
      return;
    }
  }
}
