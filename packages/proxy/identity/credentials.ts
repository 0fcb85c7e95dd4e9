import type { SecureContext } from 'node:tls';
import { secureContext } from '#runtime/tls';

/** A key and its certificate, as PEM texts; the chain with the leaf first. */
interface Own {
  readonly keyPem: string;
  readonly chainPem: string;
}

/** What handshakes use; replaced whole at each renewal and change of roots, so that open connections keep theirs. */
export class Credentials {
  /** What our certificate names us: a DNS name or a URI (SPIFFE). */
  readonly identity: string;
  /** What clients that want us ask for in their ClientHello; the identity itself where that is a DNS name. */
  readonly serverName: string;
  #trustAnchorsPem: string;
  #own: Own | undefined;
  #context: SecureContext | undefined;

  constructor(identity: string, trustAnchorsPem: string, serverName = identity) {
    this.identity = identity;
    this.serverName = serverName;
    this.#trustAnchorsPem = trustAnchorsPem;
  }

  get certified(): boolean {
    return this.#own !== undefined;
  }

  /** The roots that others are verified with. */
  get trustAnchorsPem(): string {
    return this.#trustAnchorsPem;
  }

  /** For both sides of mesh TLS; before the first certificate only servers can be verified with it. */
  context(): SecureContext {
    this.#context ??= secureContext({ trustAnchorsPem: this.#trustAnchorsPem, ...this.#own });
    return this.#context;
  }

  /** `chainPem`: leaf first. */
  update(keyPem: string, chainPem: string): void {
    this.#own = { keyPem, chainPem };
    this.#context = undefined;
  }

  /** Verifies others with these roots from now on. */
  trust(trustAnchorsPem: string): void {
    this.#trustAnchorsPem = trustAnchorsPem;
    this.#context = undefined;
  }
}
