import { createHash } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { splitPem } from './verify.ts';

/** In the folder that Linkerd's proxies keep keys in; a pod's containers lose it with the pod. */
const FILE = 'trust-roots.pem';

/**
 * Roots that a proxy learnt after its start, kept in a file for the next start of its container: the environment still names those of
 * the pod's creation, with which the control plane may not be reachable any more.
 */
export class TrustCache {
  readonly #path: string | undefined;
  readonly #header: string;
  readonly #given: string;

  /** `folder`: IDENTITY_DIR, where there is one. `given`: the roots in the environment. */
  constructor(folder: string | undefined, given: string) {
    this.#path = folder ? join(folder, FILE) : undefined;
    this.#given = given;
    // Roots that were given anew count more than what was learnt instead of others.
    this.#header = `# in place of ${createHash('sha256').update(given).digest('hex')}\n`;
  }

  /** The roots to begin with. */
  async load(): Promise<string> {
    if (!this.#path) return this.#given;
    let text: string;
    try {
      text = await readFile(this.#path, 'utf8');
    } catch {
      return this.#given; // nothing was learnt yet, or it cannot be read: the environment is good enough to begin with
    }
    return text.startsWith(this.#header) && splitPem(text).length > 0 ? text.slice(this.#header.length) : this.#given;
  }

  /** Keeps `roots`; the file is there whole or not at all. */
  async keep(roots: string): Promise<void> {
    if (!this.#path) return;
    await writeFile(`${this.#path}.new`, this.#header + roots, { mode: 0o600 });
    await rename(`${this.#path}.new`, this.#path);
  }
}
