import type { SecureContext } from 'node:tls';
import { secureContext } from '#runtime/tls';

/** What handshakes use; replaced whole at each renewal, so that open connections keep theirs. */
export class Credentials {
  readonly localName: string;
  readonly #trustAnchorsPem: string;
  #current: SecureContext | undefined;
  #verifyOnly: SecureContext | undefined;

  constructor(localName: string, trustAnchorsPem: string) {
    this.localName = localName;
    this.#trustAnchorsPem = trustAnchorsPem;
  }

  get certified(): boolean {
    return this.#current !== undefined;
  }

  /** For both sides of mesh TLS; before the first certificate only servers can be verified with it. */
  context(): SecureContext {
    if (this.#current) return this.#current;
    this.#verifyOnly ??= secureContext({ trustAnchorsPem: this.#trustAnchorsPem });
    return this.#verifyOnly;
  }

  /** `chainPem`: leaf first. */
  update(keyPem: string, chainPem: string): void {
    this.#current = secureContext({ trustAnchorsPem: this.#trustAnchorsPem, keyPem, chainPem });
  }
}
