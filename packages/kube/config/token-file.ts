import { readFile } from 'node:fs/promises';

/** How long a token that was read is used before the file is looked at again. Kubelets rotate tokens long before expiry. */
const TOKEN_FRESH_MS = 10_000;

/** A bearer token in a file that something else rotates. */
export class TokenFile {
  readonly #path: string;
  #token: string | undefined;
  #readAtMs = Number.NEGATIVE_INFINITY;

  constructor(path: string) {
    this.#path = path;
  }

  /** The token now; `stale` when the last one was refused. A file that vanished leaves the last token in use. */
  async read(stale: boolean): Promise<string> {
    const nowMs = performance.now();
    if (!stale && this.#token !== undefined && nowMs - this.#readAtMs < TOKEN_FRESH_MS) return this.#token;
    try {
      this.#token = (await readFile(this.#path, 'utf8')).trim();
      this.#readAtMs = nowMs;
    } catch (error) {
      if (this.#token === undefined)
        throw new Error(`cannot read the token file ${this.#path}: ${(error as Error).message}`, { cause: error });
    }
    return this.#token;
  }
}
