/** What the service signs with and what the mesh trusts, on disk: read at start, and again whenever a mounted volume changes. */
import type { X509Certificate } from 'node:crypto';
import { type FSWatcher, readFileSync, watch } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Clock, Timer } from '#runtime/clock';
import type { IdentityEvents } from './events.ts';
import { type Issuer, IssuerError, readCertificates, readIssuer, verifyIssuer } from './issuer.ts';

/** File names by scheme of the issuer's Secret. */
export const SCHEMES = {
  'linkerd.io/tls': { certificate: 'crt.pem', key: 'key.pem' },
  'kubernetes.io/tls': { certificate: 'tls.crt', key: 'tls.key' },
} as const;
export type Scheme = keyof typeof SCHEMES;

/** A volume is changed by several file operations in a row; they are taken for one. */
const SETTLE_MS = 100;
/** Changes that the system did not tell of are found this much later. */
const POLL_MS = 30_000;

export interface CredentialsOptions {
  /** Where the issuer's files are. */
  folder: string;
  scheme: Scheme;
  /** PEM file of the trust roots. */
  rootsFile: string;
  events: IdentityEvents;
  clock: Clock;
}

/**
 * Holds the issuer and the roots in use, which always fit together: an issuer that no root vouches for does not replace another, and
 * roots that do not vouch for the issuer do not replace others. What is skipped is said once, and tried again after each
 * change, for both may change at about the same time.
 */
export class Credentials {
  readonly #options: CredentialsOptions;
  readonly #listeners = new Set<() => void>();
  #issuer: Issuer | undefined;
  #issuerText = '';
  #roots: readonly X509Certificate[] = [];
  #rootsText = '';
  /** What was last said to be skipped. */
  #skipped = { issuer: '', roots: '' };
  #watchers: FSWatcher[] = [];
  #settle: Timer | undefined;
  #poll: Timer | undefined;

  constructor(options: CredentialsOptions) {
    this.#options = options;
  }

  /** The issuer in use; undefined until a good one was read. */
  get current(): Issuer | undefined {
    return this.#issuer;
  }

  /** The trust roots in use. */
  get roots(): readonly X509Certificate[] {
    return this.#roots;
  }

  /** Calls `listener` after each change of the issuer or the roots. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Reads the files and begins to watch them. Throws when there are no roots to begin with. */
  start(): void {
    const { rootsFile, folder } = this.#options;
    this.#rootsText = readFileSync(rootsFile, 'utf8');
    this.#roots = readRoots(this.#rootsText);
    this.reload();
    const soon = () => {
      this.#settle?.cancel();
      this.#settle = this.#options.clock.after(SETTLE_MS, () => this.reload());
    };
    this.#watchers = [folder, dirname(rootsFile)].map((each) => watch(each, soon));
    this.#pollLater();
  }

  stop(): void {
    for (const watcher of this.#watchers) watcher.close();
    this.#settle?.cancel();
    this.#poll?.cancel();
  }

  #pollLater(): void {
    this.#poll = this.#options.clock.after(POLL_MS, () => {
      this.reload();
      this.#pollLater();
    });
  }

  /** Takes what changed and is good. */
  reload(): void {
    const { issuer, roots } = this.#readFiles();
    const isNewIssuer = () => issuer !== undefined && issuer.text !== this.#issuerText;
    const isNewRoots = () => roots !== undefined && roots !== this.#rootsText;
    let changed = false;
    // An issuer and the root that vouches for it may come together; else each for itself.
    if (isNewRoots() && isNewIssuer()) changed = this.#take(issuer, roots);
    if (isNewRoots()) changed = this.#take(undefined, roots) || changed;
    if (isNewIssuer()) changed = this.#take(issuer, undefined) || changed;
    if (changed) for (const listener of [...this.#listeners]) listener();
  }

  #readFiles(): { issuer: IssuerFiles | undefined; roots: string | undefined } {
    const { folder, scheme, rootsFile } = this.#options;
    const names = SCHEMES[scheme];
    const issuer = this.#reading('issuer', () => {
      const certificate = readFileSync(join(folder, names.certificate), 'utf8');
      const key = readFileSync(join(folder, names.key), 'utf8');
      return { certificate, key, text: certificate + key };
    });
    return { issuer, roots: this.#reading('roots', () => readFileSync(rootsFile, 'utf8')) };
  }

  /** Whether these were taken in place of those in use; undefined: that one stays. */
  #take(files: IssuerFiles | undefined, rootsText: string | undefined): boolean {
    const { events, clock } = this.#options;
    try {
      const roots = rootsText === undefined ? this.#roots : readRoots(rootsText);
      let issuer = this.#issuer;
      if (files) issuer = readIssuer(files, roots, clock.wallMs());
      else if (issuer) verifyIssuer(issuer, roots, clock.wallMs());
      const isFirst = this.#issuer === undefined;
      this.#issuer = issuer;
      this.#roots = roots;
      if (files) {
        this.#issuerText = files.text;
        this.#skipped.issuer = '';
        if (!isFirst) events.issuerUpdated();
      }
      if (rootsText !== undefined) {
        this.#rootsText = rootsText;
        this.#skipped.roots = '';
        events.rootsUpdated(roots.length);
      }
      return true;
    } catch (error) {
      const reason = (error as Error).message;
      if (files && rootsText === undefined) this.#skip('issuer', files.text, reason);
      else if (!files && rootsText !== undefined) this.#skip('roots', rootsText, reason);
      return false;
    }
  }

  #reading<T>(what: 'issuer' | 'roots', read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      const reason = (error as Error).message;
      this.#skip(what, reason, reason);
      return undefined;
    }
  }

  #skip(what: 'issuer' | 'roots', text: string, reason: string): void {
    if (this.#skipped[what] === text) return;
    this.#skipped[what] = text;
    if (what === 'issuer') this.#options.events.issuerSkipped(reason);
    else this.#options.events.rootsSkipped(reason);
  }
}

interface IssuerFiles {
  certificate: string;
  key: string;
  /** Both, to see changes. */
  text: string;
}

function readRoots(text: string): X509Certificate[] {
  let roots: X509Certificate[];
  try {
    roots = readCertificates(text);
  } catch (error) {
    throw new IssuerError(`the trust roots cannot be read: ${(error as Error).message}`);
  }
  if (roots.length === 0) throw new IssuerError('the trust roots hold no PEM certificate');
  return roots;
}
