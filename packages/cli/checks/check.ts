/** One check: resolves when all is well, perhaps with details to list; throws what is wrong. */
export interface Check {
  description: string;
  /** Where help stands on the page of checks; checks with one remedy share it. */
  anchor: string;
  /** What is looked at and what to do when it fails, for that page: a sentence or two. */
  remedy: string;
  /** A fatal failure ends the run; a warning does not count as failure. Default `error`. */
  severity?: 'fatal' | 'error' | 'warning';
  /** Tried again until the deadline. */
  retry?: boolean;
  /** While retrying on a terminal, show the error itself. */
  surface?: boolean;
  run(): Promise<CheckDetails> | Promise<void>;
}

/** Lines below a successful check, e.g. the clusters it looked at. */
export interface CheckDetails {
  items: readonly string[];
}

export interface Category {
  name: string;
  checks: readonly Check[];
}

/** Thrown by a check that does not apply here; nothing is printed for it. */
export class CheckSkipped extends Error {}

/** A failure in several lines, e.g. a list of what is missing. */
export class CheckFailure extends Error {
  constructor(headline: string, items: readonly string[] = []) {
    super([headline, ...items.map((item) => `* ${item}`)].join('\n'));
  }
}

/** The page that is made of the table of checks; anchors are below it. */
export const CHECKS_PAGE = 'docs/reference/checks.md';
export const hintOf = (anchor: string): string => `${CHECKS_PAGE}#${anchor}`;

export type CheckOutcome = 'success' | 'warning' | 'error';

export interface CheckResult {
  description: string;
  /** Where help stands. */
  hint: string;
  result: CheckOutcome;
  error?: string;
  items: readonly string[];
}

export interface CategoryResult {
  name: string;
  results: CheckResult[];
}
