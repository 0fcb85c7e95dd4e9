/** What came of one case at one face. */
import type { Version } from './faces.ts';

/**
 * - `refused`: an error or a closed connection, and the server saw nothing of it.
 * - `cut`: the server saw a beginning, but never a complete request.
 * - `forwarded`: the server got it as it was sent; `changed`: a part of it was left out or rewritten.
 * - `smuggled`: the server saw a request where there is none.
 * - `unread`: carried as bytes of an unknown protocol.
 * - `stuck`: neither an answer nor a close.
 */
export type Outcome = 'refused' | 'cut' | 'forwarded' | 'changed' | 'smuggled' | 'unread' | 'stuck';

export interface Verdict {
  readonly face: string;
  readonly contender: string;
  readonly version: Version;
  readonly case: string;
  readonly outcome: Outcome;
  /** Final status codes that the client saw, resets of streams as `reset CODE`, `goaway CODE`. */
  readonly answers: readonly string[];
  /** Absent: as expected. Judged for Weft alone. */
  readonly failure?: string;
}
