/** The issuer's files on disk: read at start, read again whenever the mounted Secret changes. */

import type { X509Certificate } from 'node:crypto';
import { type FSWatcher, readFileSync, watch } from 'node:fs';
import { join } from 'node:path';
import type { IdentityEvents } from './events.ts';
import { type Issuer, readIssuer } from './issuer.ts';

/** File names by scheme of the issuer's Secret. */
export const SCHEMES = {
  'linkerd.io/tls': { certificate: 'crt.pem', key: 'key.pem' },
  'kubernetes.io/tls': { certificate: 'tls.crt', key: 'tls.key' },
} as const;
export type Scheme = keyof typeof SCHEMES;

/** A volume is changed by several file operations in a row; they are taken for one. */
const SETTLE_MS = 100;

export interface CredentialsOptions {
  folder: string;
  scheme: Scheme;
  anchors: readonly X509Certificate[];
  events: IdentityEvents;
  wallMs(): number;
}

/** Holds the issuer in use. A new one that is no good is reported and skipped. */
export class Credentials {
  readonly #options: CredentialsOptions;
  #issuer: Issuer | undefined;
  #text = '';
  #watcher: FSWatcher | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: CredentialsOptions) {
    this.#options = options;
  }

  /** The issuer in use; undefined until a good one was read. */
  get current(): Issuer | undefined {
    return this.#issuer;
  }

  /** Reads the files and begins to watch them. */
  start(): void {
    this.reload();
    this.#watcher = watch(this.#options.folder, () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.reload(), SETTLE_MS);
    });
  }

  stop(): void {
    this.#watcher?.close();
    clearTimeout(this.#timer);
  }

  /** Takes the files' content if it changed and is good. */
  reload(): void {
    const { folder, scheme, anchors, events, wallMs } = this.#options;
    const names = SCHEMES[scheme];
    try {
      const certificate = readFileSync(join(folder, names.certificate), 'utf8');
      const key = readFileSync(join(folder, names.key), 'utf8');
      if (certificate + key === this.#text) return;
      const first = this.#issuer === undefined;
      this.#issuer = readIssuer({ certificate, key }, anchors, wallMs());
      this.#text = certificate + key;
      if (!first) events.issuerUpdated();
    } catch (error) {
      events.issuerSkipped((error as Error).message);
    }
  }
}
