/** What the processes of a run tell each other. */
import type { Verdict } from './verdict.ts';

export interface Plan {
  /** Command line that begins a `weft` command. */
  readonly weft: readonly string[];
  /** Suites to run. */
  readonly suites: readonly ('corpus' | 'h2spec' | 'floods')[];
  /** Beside Weft. */
  readonly peers: boolean;
  /** Only cases whose id contains this. */
  readonly only?: string;
  /** Only faces whose name is among these; absent: all. */
  readonly faces?: readonly string[];
}

export interface Results {
  readonly verdicts: readonly Verdict[];
}

export const FOLDER = '/run/pair';
export const ORIGIN_SOCKET = `${FOLDER}/origin.sock`;
export const TLS_FOLDER = `${FOLDER}/tls`;

/** Of the two proxies, by the side they stand at. */
export type ProxyPids = Readonly<Record<'client' | 'server', number>>;
