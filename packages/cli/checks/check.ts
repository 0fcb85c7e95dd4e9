/** One check: resolves when all is well, perhaps with details to list; throws what is wrong. */
export interface Check {
  description: string;
  /** Where help stands: `https://linkerd.io/2/checks/#<anchor>`. */
  anchor: string;
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

export type CheckOutcome = 'success' | 'warning' | 'error';

export interface CheckResult {
  description: string;
  anchor: string;
  result: CheckOutcome;
  error?: string;
  items: readonly string[];
}

export interface CategoryResult {
  name: string;
  results: CheckResult[];
}
