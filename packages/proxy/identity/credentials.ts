import type { SecureContext } from 'node:tls';
import { secureContext } from '#runtime/tls';

/** What handshakes use; replaced whole at each renewal, so that open connections keep theirs. */
export class Credentials {
  /** What our certificate names us: a DNS name or a URI (SPIFFE). */
  readonly identity: string;
  /** What clients that want us ask for in their ClientHello; the identity itself where that is a DNS name. */
  readonly serverName: string;
  readonly #trustAnchorsPem: string;
  #current: SecureContext | undefined;
  #verifyOnly: SecureContext | undefined;

  constructor(identity: string, trustAnchorsPem: string, serverName = identity) {
    this.identity = identity;
    this.serverName = serverName;
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
