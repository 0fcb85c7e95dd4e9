import { setTimeout as wait } from 'node:timers/promises';
import {
  type Category,
  type CategoryResult,
  type Check,
  type CheckDetails,
  type CheckResult,
  CheckSkipped,
  hintOf,
} from './check.ts';

export interface RunOptions {
  /** Until when retryable checks are tried again. */
  deadlineMs: number;
  nowMs?(): number;
  /** Waits between attempts. */
  sleep?(ms: number): Promise<unknown>;
  /** Told of each result as it comes. */
  onResult?(category: string, result: CheckResult): void;
  /** Told while a check is tried again. */
  onRetry?(text: string): void;
}

/** One attempt of one check. */
const ATTEMPT_TIMEOUT_MS = 30_000;
/** Between attempts. */
export const RETRY_MS = 5_000;

/** Runs categories in order. A fatal failure ends the run: what comes after would only repeat it. */
export async function runCategories(categories: readonly Category[], options: RunOptions): Promise<CategoryResult[]> {
  const done: CategoryResult[] = [];
  for (const category of categories) {
    const results: CheckResult[] = [];
    done.push({ name: category.name, results });
    for (const check of category.checks) {
      const result = await runCheck(check, options);
      if (!result) continue;
      results.push(result);
      options.onResult?.(category.name, result);
      if (result.result === 'error' && check.severity === 'fatal') return done;
    }
  }
  return done;
}

async function runCheck(check: Check, options: RunOptions): Promise<CheckResult | undefined> {
  const { nowMs = Date.now, sleep = wait } = options;
  const { description } = check;
  const hint = hintOf(check.anchor);
  for (;;) {
    try {
      const details = (await withTimeout<unknown>(check.run())) as CheckDetails | undefined;
      return { description, hint, result: 'success', items: details?.items ?? [] };
    } catch (error) {
      if (error instanceof CheckSkipped) return undefined;
      const message = error instanceof Error ? error.message : String(error);
      if (!check.retry || nowMs() + RETRY_MS > options.deadlineMs)
        return {
          description,
          hint,
          result: check.severity === 'warning' ? 'warning' : 'error',
          error: message,
          items: [],
        };
      options.onRetry?.(check.surface ? message : 'waiting for check to complete');
      await sleep(RETRY_MS);
    }
  }
}

async function withTimeout<T>(attempt: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no result within ${ATTEMPT_TIMEOUT_MS / 1000} s`)), ATTEMPT_TIMEOUT_MS);
  });
  try {
    return await Promise.race([attempt, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
