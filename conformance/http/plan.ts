/** What the processes of a run tell each other. */
import type { FloodReport } from './floods/index.ts';
import type { SpecReport } from './h2spec.ts';
import type { Verdict } from './verdict.ts';

export type Suite = 'corpus' | 'answers' | 'h2spec' | 'floods';

/** Where tools/conformance.mjs has put what it installed. */
export interface Tools {
  /** Path of the program. */
  readonly h2spec: string;
  /** Folder in which Python finds h2. */
  readonly python: string;
}

export interface Plan {
  /** Command line that begins a `weft` command. */
  readonly weft: readonly string[];
  readonly suites: readonly Suite[];
  readonly tools: Tools;
  /** nginx and HAProxy beside Weft. */
  readonly peers: boolean;
  /** Only cases and floods whose id or name contains this. */
  readonly only?: string;
  /** Only faces `VERSION: NAME` among these; absent: all. */
  readonly faces?: readonly string[];
  /** Only these floods; absent: all. */
  readonly floods?: readonly string[];
  /** Before each flood wait, for a while, until the machine does little else. */
  readonly waitsForQuiet?: boolean;
  /** Of each flood. */
  readonly floodSeconds: number;
  /** Each flood at both of its faces at once, which are different proxies: sooner over, each less hard. */
  readonly floodsTogether?: boolean;
}

export interface Results {
  /** Of requests. */
  readonly verdicts: readonly Verdict[];
  /** Of responses. */
  readonly answers: readonly Verdict[];
  readonly specs: readonly SpecReport[];
  readonly floods: readonly FloodReport[];
}

export const FOLDER = '/run/pair';
export const ORIGIN_SOCKET = `${FOLDER}/origin.sock`;
export const TLS_FOLDER = `${FOLDER}/tls`;

/** Of the two proxies, by the side they stand at. */
export type ProxyPids = Readonly<Record<'client' | 'server', number>>;
